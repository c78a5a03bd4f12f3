extension LogisticModel {
  /// What each feature of a row adds to the log-odds of a row whose numbers are all at their mean, in feature order:
  /// coefficient·(value − mean). With `standardizedIntercept` they add up to the row's log-odds, to within rounding
  /// even where values have a huge offset. Throws as a prediction does.
  public func contributions(of row: FeatureValues) throws(LearningError) -> [Contribution] {
    var warnings: [PredictionWarning] = []
    _ = try predictor().logit(row, warnings: &warnings)
    return zip(features, row.values).map { feature, value in
      let missing = feature.missing?.value ?? 0
      let (text, contribution): (String?, Double) =
        switch value {
        case .number(let number): ("\(number)", feature.contribution(of: number))
        case .category(let name):
          (name, feature.categories?.first { $0.name == name }?.coefficient.value ?? 0)
        case .missing: (nil, missing)
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
    // Numbers are at their mean on average.
    let present = feature.categories?.reduce(0) { $0 + $1.coefficient.value * Double($1.rows) / rows } ?? 0
    return present + missing
  }
}

extension ModelFeature {
  /// In the order in which a prediction computes it, so that both round alike.
  fileprivate func contribution(of number: Double) -> Double {
    guard let standardized = coefficient?.standardized, let mean, let scale, scale > 0 else { return 0 }
    return standardized * ((number - mean) * (1 / scale))
  }
}
