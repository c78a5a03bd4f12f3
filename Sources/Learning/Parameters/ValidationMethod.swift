/// How the rows are split into those a model is fitted on and those it is measured on; both keep the share of
/// outcomes (stratified).
public enum ValidationMethod: Sendable, Hashable {
  /// One model, measured on this share of the rows, 0.01…0.9. JSON: `{"method": "holdout", "fraction": 0.2}`.
  case holdout(fraction: Double)
  /// As many models as folds (2…20), each measured on the fold that it was not fitted on. JSON: `{"method": "kfold",
  /// "folds": 5}`.
  case kfold(folds: Int)

  func validate() throws(LearningError) {
    switch self {
    case .holdout(let fraction):
      guard fraction >= 0.01, fraction <= 0.9 else {
        throw .invalidParameter(
          pointer: "/validation/fraction", detail: "fraction must be a number from 0.01 to 0.9.")
      }
    case .kfold(let folds):
      guard (2...20).contains(folds) else {
        throw .invalidParameter(
          pointer: "/validation/folds", detail: "folds must be a whole number from 2 to 20.")
      }
    }
  }
}

extension ValidationMethod: Codable {
  private enum CodingKeys: String, CodingKey { case method, fraction, folds }
  private enum Method: String, Codable { case holdout, kfold }

  /// Reads one of the forms shown at the cases; `fraction` is 0.2 and `folds` 5 where absent.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    switch try values.decode(Method.self, forKey: .method) {
    case .holdout:
      self = .holdout(fraction: try values.decodeIfPresent(Double.self, forKey: .fraction) ?? 0.2)
    case .kfold: self = .kfold(folds: try values.decodeIfPresent(Int.self, forKey: .folds) ?? 5)
    }
  }

  /// Writes the form shown at the case.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .holdout(let fraction):
      try values.encode(Method.holdout, forKey: .method)
      try values.encode(fraction, forKey: .fraction)
    case .kfold(let folds):
      try values.encode(Method.kfold, forKey: .method)
      try values.encode(folds, forKey: .folds)
    }
  }
}
