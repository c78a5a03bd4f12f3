extension LogisticModel {
  /// A line for each number, a value for each category, with at least `minimumRows` training rows behind each.
  public func terms(minimumRows: Int) -> [ModelTerm] {
    features.map { .feature($0.term(minimumRows, rows: positives + negatives)) }
  }
}

extension ModelFeature {
  fileprivate func term(_ minimumRows: Int, rows: Int) -> ModelTerm.FeatureTerm {
    var term = ModelTerm.FeatureTerm(
      form: categories == nil ? .line : .levels,
      axis: ModelTerm.Axis(
        feature: name, kind: kind, edges: nil, categories: nil, missing: nil, count: 0),
      bins: [], missing: missing.flatMap { missingRows >= minimumRows ? $0.bin(rows: missingRows) : nil },
      line: nil, minimum: minimum, maximum: maximum, smoothness: nil, degreesOfFreedom: nil, importance: nil)
    if let coefficient, rows - missingRows >= minimumRows {
      term.line = ModelTerm.Line(
        slope: coefficient.value, standardError: coefficient.standardError,
        standardized: coefficient.standardized, mean: mean, rows: rows - missingRows)
    }
    if let categories {
      let parts = ModelTerm.rarest(rows: categories.map(\.rows), minimumRows: minimumRows)
      term.axis.categories = parts.map { $0.map { categories[$0].name } }
      term.axis.count = parts.count
      term.bins = parts.map { part in
        ModelTerm.Bin(merging: part.map { categories[$0].coefficient.bin(rows: categories[$0].rows) })
      }
      let effects =
        categories.map { ($0.coefficient.value, $0.rows) } + (missing.map { [($0.value, missingRows)] } ?? [])
      let total = effects.reduce(0) { $0 + $1.1 }
      if total > 0 {
        term.importance = effects.reduce(0) { $0 + abs($1.0) * Double($1.1) } / Double(total)
      }
    }
    return term
  }
}

extension ModelFeature.Coefficient {
  fileprivate func bin(rows: Int) -> ModelTerm.Bin {
    ModelTerm.Bin(value: value, standardError: standardError, rows: rows)
  }
}
