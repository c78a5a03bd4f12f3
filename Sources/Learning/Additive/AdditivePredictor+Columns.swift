extension AdditivePredictor {
  /// The rows whose slots are held at once.
  private static let blockRows = 1_024

  /// The probabilities of many rows, given by column in the feature order of the model; NaN and the code -1 are missing values, unseen
  /// categories add nothing. Throws `LearningError` for columns that do not fit.
  public func probabilities(columns: [TrainingTable.Column]) throws(LearningError) -> [Double] {
    guard columns.count == terms.count else {
      throw .wrongFeatureCount(expected: terms.count, found: columns.count)
    }
    let rows = columns.first?.count ?? 0
    var slotsOfLevels: [[Int]] = []
    for (index, column) in columns.enumerated() {
      guard column.count == rows else {
        throw .malformedTable(
          detail: "The feature '\(names[index])' has \(column.count) values for \(rows) rows.")
      }
      slotsOfLevels.append(try slots(ofLevels: column, index))
    }
    var result = [Double](repeating: 0, count: rows)
    var slots = terms.map { _ in [Int](repeating: 0, count: min(rows, Self.blockRows)) }
    for begin in stride(from: 0, to: rows, by: Self.blockRows) {
      let block = begin..<min(begin + Self.blockRows, rows)
      for (index, column) in columns.enumerated() {
        try find(&slots[index], of: column, index, block, slotsOfLevels[index])
      }
      add(slots, block, to: &result)
    }
    return result
  }

  /// The slots of a column's levels; empty of numbers.
  private func slots(ofLevels column: TrainingTable.Column, _ index: Int) throws(LearningError) -> [Int] {
    switch (terms[index].isNumber, column) {
    case (true, .numeric): return []
    case (false, .categorical(_, let names)):
      return names.map { levels[index][$0].map { Int($0) } ?? terms[index].unseen }
    case (true, _): throw .wrongValueType(feature: names[index], expected: "number")
    case (false, _): throw .wrongValueType(feature: names[index], expected: "category")
    }
  }

  /// Finds the slots of a block of rows in a column.
  private func find(
    _ slots: inout [Int], of column: TrainingTable.Column, _ index: Int, _ block: Range<Int>,
    _ slotsOfLevels: [Int]
  ) throws(LearningError) {
    let term = terms[index]
    switch column {
    case .numeric(let values):
      for row in block {
        let value = values[row]
        if value.isNaN {
          slots[row - block.lowerBound] = term.missing
        } else {
          guard abs(value) <= FeatureValue.largestMagnitude else { throw .notFinite(feature: names[index]) }
          slots[row - block.lowerBound] = slot(of: value, term)
        }
      }
    case .categorical(let codes, _):
      for row in block {
        let code = Int(codes[row])
        guard code < slotsOfLevels.count else {
          throw .malformedTable(detail: "The feature '\(names[index])' has a code without a level.")
        }
        slots[row - block.lowerBound] = code < 0 ? term.missing : slotsOfLevels[code]
      }
    }
  }

  /// Adds up the terms of a block, in the order of ``logit(_:)``.
  private func add(_ slots: [[Int]], _ block: Range<Int>, to result: inout [Double]) {
    for row in block { result[row] = intercept }
    for (term, slots) in zip(terms, slots) {
      for row in block { result[row] += tables[term.values + slots[row - block.lowerBound]] }
    }
    for pair in pairs {
      let (first, second) = (slots[pair.first], slots[pair.second])
      for row in block {
        let place = row - block.lowerBound
        result[row] += tables[cell(of: pair, first[place], second[place])]
      }
    }
    for row in block { result[row] = result[row].sigmoid }
  }
}
