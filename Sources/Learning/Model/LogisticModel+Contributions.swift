extension LogisticModel {
  /// What each feature of a row adds to its log-odds, in feature order. With the intercept it adds up to the
  /// log-odds, to within rounding of the largest term. Throws as a prediction does.
  public func contributions(of row: FeatureValues) throws(LearningError) -> [Contribution] {
    var warnings: [PredictionWarning] = []
    _ = try predictor().logit(row, warnings: &warnings)
    return zip(features, row.values).map { feature, value in
      let missing = feature.missing?.value ?? 0
      let (text, contribution): (String?, Double) =
        switch value {
        case .number(let number): ("\(number)", (feature.coefficient?.value ?? 0) * number)
        case .category(let name):
          (name, feature.categories?.first { $0.name == name }?.coefficient.value ?? 0)
        case .missing: (nil, (feature.coefficient?.value ?? 0) * (feature.mean ?? 0) + missing)
        }
      return Contribution(
        feature: feature.name, value: text, contribution: contribution,
        deviation: contribution - average(feature))
    }
  }

  /// The mean contribution of a feature over the training rows.
  private func average(_ feature: ModelFeature) -> Double {
    let rows = Double(positives + negatives)
    let missing = (feature.missing?.value ?? 0) * Double(feature.missingRows) / rows
    let present =
      feature.categories?.reduce(0) { $0 + $1.coefficient.value * Double($1.rows) / rows }
      ?? (feature.coefficient?.value ?? 0) * (feature.mean ?? 0)
    return present + missing
  }
}
