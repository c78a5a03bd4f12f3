extension LinearPredictor {
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
    for row in 0..<rows.count {
      if found >= RowPredictions.mostWarnings, answer.warnedRows == .max { answer.warnedRows = row }
      var sum = intercept
      for index in terms.indices {
        switch terms[index] {
        case .number(let standardized, let mean, let inverse, let missing, let range):
          let value = rows.numbers[row * rows.numberStride + slots[index]]
          if value.isNaN {
            if features[index].missing == nil {
              warn(row, .unseenMissing(features[index].name))
            }
            sum += missing
          } else {
            guard abs(value) <= FeatureValue.largestMagnitude else {
              throw RowRefusal(row: row, feature: features[index].name)
            }
            if !range.contains(value) {
              warn(row, .outside(range, value, features[index].name))
            }
            sum += standardized * ((value - mean) * inverse)
          }
        case .category(let levels, let missing):
          if let name = rows.name(row * rows.nameStride + slots[index]) {
            if let coefficient = levels[name] {
              sum += coefficient
            } else {
              warn(row, .unseen(name, features[index].name))
            }
          } else {
            if features[index].missing == nil {
              warn(row, .unseenMissing(features[index].name))
            }
            sum += missing
          }
        }
      }
      answer.probabilities.append(sum.sigmoid)
    }
    return answer
  }
}
