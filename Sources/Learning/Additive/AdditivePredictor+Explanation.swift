extension AdditivePredictor {
  /// The contribution of each feature and of each pair to the log-odds, relative to their means over the training rows, which are 0.
  /// The contributions are the very numbers that a prediction adds up.
  public func explain(_ row: FeatureValues) throws(LearningError) -> Explanation {
    var warnings: [PredictionWarning] = []
    let slots = try slots(row, warnings: &warnings)
    var contributions: [Contribution] = []
    contributions.reserveCapacity(terms.count)
    for (index, value) in row.values.enumerated() {
      let contribution = tables[terms[index].values + slots[index]]
      contributions.append(
        Contribution(
          feature: names[index], value: value, contribution: contribution,
          deviation: contribution - terms[index].mean))
    }
    let joint = pairs.map { pair in
      PairContribution(
        first: pair.first, second: pair.second, features: [names[pair.first], names[pair.second]],
        contribution: tables[cell(of: pair, slots[pair.first], slots[pair.second])])
    }
    return Explanation(intercept: intercept, contributions: contributions, pairs: joint)
  }
}
