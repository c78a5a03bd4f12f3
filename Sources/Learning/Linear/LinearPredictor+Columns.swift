extension LinearPredictor {
  /// The probabilities of many rows, given by column in the feature order of the model; NaN and the code -1 are
  /// missing values, unseen categories add nothing. Throws `LearningError` for columns that do not fit.
  public func probabilities(columns: [TrainingTable.Column]) throws(LearningError) -> [Double] {
    guard columns.count == terms.count else {
      throw .wrongFeatureCount(expected: terms.count, found: columns.count)
    }
    let rows = columns.first?.count ?? 0
    var sums = [Double](repeating: intercept, count: rows)
    for (index, column) in columns.enumerated() {
      let name = features[index].name
      guard column.count == rows else {
        throw .malformedTable(detail: "The feature '\(name)' has \(column.count) values for \(rows) rows.")
      }
      switch (terms[index], column) {
      case (.number(let standardized, let mean, let inverse, let missing, _), .numeric(let values)):
        for row in 0..<rows {
          let value = values[row]
          if value.isNaN {
            sums[row] += missing
          } else {
            guard abs(value) <= FeatureValue.largestMagnitude else { throw .notFinite(feature: name) }
            sums[row] += standardized * ((value - mean) * inverse)
          }
        }
      case (.category(let known, let missing), .categorical(let codes, let levels)):
        let coefficients = levels.map { known[$0] ?? 0 }
        for row in 0..<rows {
          let code = Int(codes[row])
          guard code < coefficients.count else {
            throw .malformedTable(detail: "The feature '\(name)' has a code without a level.")
          }
          sums[row] += code < 0 ? missing : coefficients[code]
        }
      case (.number, _): throw .wrongValueType(feature: name, expected: "number")
      case (.category, _): throw .wrongValueType(feature: name, expected: "category")
      }
    }
    return sums.map(\.sigmoid)
  }
}
