extension LinearPredictor {
  /// The contribution of each feature to the log-odds, relative to a row whose numbers are all at their mean:
  /// coefficient·(value − mean). With the standardised intercept the contributions add up to the row's log-odds, to
  /// within rounding even for values with a huge offset.
  public func explain(_ row: FeatureValues) throws(LearningError) -> Explanation {
    var warnings: [PredictionWarning] = []
    _ = try logit(row, warnings: &warnings)
    var contributions: [Contribution] = []
    contributions.reserveCapacity(terms.count)
    for (index, value) in row.values.enumerated() {
      let contribution = terms[index].contribution(of: value)
      contributions.append(
        Contribution(
          feature: features[index].name, value: value, contribution: contribution,
          deviation: contribution - means[index]))
    }
    return Explanation(intercept: intercept, contributions: contributions)
  }
}

extension LinearPredictor.Term {
  /// The summand of a value that fits, computed as in a prediction, so that both round alike.
  fileprivate func contribution(of value: FeatureValue) -> Double {
    switch (self, value) {
    case (.number(let standardized, let mean, let inverse, _, _), .number(let number)):
      // A feature without a scale adds 0, not −0.
      inverse > 0 ? standardized * ((number - mean) * inverse) : 0
    case (.category(let levels, _), .category(let name)): levels[name] ?? 0
    case (.number(_, _, _, let missing, _), _), (.category(_, let missing), _): missing
    }
  }
}

extension ModelFeature {
  /// The mean contribution over `rows` training rows. Numbers are at their mean on average.
  func meanContribution(rows: Int) -> Double {
    let rows = Double(rows)
    let missing = (missing?.value ?? 0) * Double(missingRows) / rows
    let present = categories?.reduce(0) { $0 + $1.coefficient.value * Double($1.rows) / rows } ?? 0
    return present + missing
  }
}
