/// A linear model prepared to answer fast: categories in dictionaries, coefficients side by side.
public struct LinearPredictor: Predictor {
  enum Term: Sendable {
    /// standardized·(value − mean)·inverse; a missing value adds `missing`.
    case number(
      standardized: Double, mean: Double, inverse: Double, missing: Double, range: ClosedRange<Double>)
    case category(levels: [String: Double], missing: Double)
  }

  let terms: [Term]
  /// The features without their categories, which the terms have.
  let features: [ModelFeature]
  let intercept: Double
  let threshold: Double
  /// The mean contribution of each feature over the training rows.
  let means: [Double]

  init(_ model: LogisticModel) {
    features = model.features.map { feature in
      var feature = feature
      feature.categories = nil
      return feature
    }
    intercept = model.standardizedIntercept
    threshold = model.threshold
    means = model.features.map { $0.meanContribution(rows: model.positives + model.negatives) }
    terms = model.features.map { feature in
      let missing = feature.missing?.standardized ?? 0
      if let categories = feature.categories {
        return .category(
          levels: Dictionary(categories.map { ($0.name, $0.coefficient.standardized) }) { first, _ in first },
          missing: missing)
      }
      let scale = feature.scale ?? 0
      return .number(
        standardized: feature.coefficient?.standardized ?? 0, mean: feature.mean ?? 0,
        inverse: scale > 0 ? 1 / scale : 0, missing: missing,
        range: (feature.minimum ?? -.infinity)...(feature.maximum ?? .infinity))
    }
  }

  /// The answer to one row. Throws `LearningError` if a value is of the wrong type or not finite, or their number is
  /// wrong.
  public func predict(_ row: FeatureValues) throws(LearningError) -> Prediction {
    var warnings: [PredictionWarning] = []
    let logit = try logit(row, warnings: &warnings)
    let probability = logit.sigmoid
    return Prediction(probability: probability, label: probability >= threshold ? 1 : 0, warnings: warnings)
  }

  /// The log-odds of one row.
  func logit(_ row: FeatureValues, warnings: inout [PredictionWarning]) throws(LearningError) -> Double {
    guard row.values.count == terms.count else {
      throw .wrongFeatureCount(expected: terms.count, found: row.values.count)
    }
    var sum = intercept
    for index in terms.indices {
      switch (terms[index], row.values[index]) {
      case (.number(let standardized, let mean, let inverse, _, let range), .number(let value)):
        guard abs(value) <= FeatureValue.largestMagnitude else {
          throw .notFinite(feature: features[index].name)
        }
        if !range.contains(value) { warnings.append(.outside(range, value, features[index].name)) }
        sum += standardized * ((value - mean) * inverse)
      case (.category(let levels, _), .category(let name)):
        if let coefficient = levels[name] {
          sum += coefficient
        } else {
          warnings.append(.unseen(name, features[index].name))
        }
      case (.number(_, _, _, let missing, _), .missing), (.category(_, let missing), .missing):
        if features[index].missing == nil { warnings.append(.unseenMissing(features[index].name)) }
        sum += missing
      case (.number, .category): throw .wrongValueType(feature: features[index].name, expected: "number")
      case (.category, .number): throw .wrongValueType(feature: features[index].name, expected: "category")
      }
    }
    return sum
  }
}

extension LogisticModel {
  /// The model prepared to answer fast; make it once and keep it.
  public func predictor() -> LinearPredictor { LinearPredictor(self) }

  /// The answer to one row; use `predictor()` for more.
  public func probability(of row: FeatureValues) throws(LearningError) -> Prediction {
    try predictor().predict(row)
  }
}
