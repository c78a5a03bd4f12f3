extension PredictionWarning {
  /// A number outside the training range.
  static func outside(_ range: ClosedRange<Double>, _ value: Double, _ feature: String) -> PredictionWarning {
    PredictionWarning(
      kind: .outsideRange, feature: feature,
      detail: "\(value) is outside the training range \(range.lowerBound) to \(range.upperBound).")
  }

  /// A category without training rows.
  static func unseen(_ name: String, _ feature: String) -> PredictionWarning {
    PredictionWarning(
      kind: .unseenCategory, feature: feature,
      detail: "The category '\(name)' was not in the training rows.")
  }

  /// A missing value of a feature that had all values in training.
  static func unseenMissing(_ feature: String) -> PredictionWarning {
    PredictionWarning(
      kind: .unseenMissing, feature: feature, detail: "No training row was without a value here.")
  }
}
