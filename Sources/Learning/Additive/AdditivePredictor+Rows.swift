extension AdditivePredictor {
  /// The answers to many rows, the same to the last bit as ``predict(_:)`` gives one by one.
  ///
  /// - Parameters:
  ///   - rows: the rows to predict.
  ///   - slots: the index of each feature of the model in a row, among the numbers or among the categories by its kind.
  /// - Throws: ``RowRefusal`` for a number beyond ±1e150.
  public func predict(_ rows: PredictorRows, slots: [Int]) throws(RowRefusal) -> RowPredictions {
    var answer = RowPredictions(probabilities: [], warnings: [:])
    answer.probabilities.reserveCapacity(rows.count)
    var found = 0
    func warn(_ row: Int, _ warning: @autoclosure () -> PredictionWarning) {
      guard row < answer.warnedRows else { return }
      answer.warnings[row, default: []].append(warning())
      found += 1
    }
    var places = [Int](repeating: 0, count: terms.count)
    for row in 0..<rows.count {
      if found >= RowPredictions.mostWarnings, answer.warnedRows == .max { answer.warnedRows = row }
      for index in terms.indices {
        let term = terms[index]
        if term.isNumber {
          let value = rows.numbers[row * rows.numberStride + slots[index]]
          if value.isNaN {
            if !term.sawMissing { warn(row, .unseenMissing(names[index])) }
            places[index] = term.missing
          } else {
            guard abs(value) <= FeatureValue.largestMagnitude else {
              throw RowRefusal(row: row, feature: names[index])
            }
            if !(value >= term.minimum && value <= term.maximum) {
              warn(row, .outside(term.minimum...term.maximum, value, names[index]))
            }
            places[index] = slot(of: value, term)
          }
        } else if let name = rows.name(row * rows.nameStride + slots[index]) {
          if let slot = levels[index][name] {
            places[index] = Int(slot)
          } else {
            warn(row, .unseen(name, names[index]))
            places[index] = term.unseen
          }
        } else {
          if !term.sawMissing { warn(row, .unseenMissing(names[index])) }
          places[index] = term.missing
        }
      }
      answer.probabilities.append(logit(places).sigmoid)
    }
    return answer
  }
}
