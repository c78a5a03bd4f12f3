@testable import Learning

/// Rows for an additive model in the forms of each method of a predictor.
extension AdditiveModel {
  var batchSlots: [Int] {
    var (numbers, names) = (0, 0)
    return features.map { feature in
      if feature.categories == nil {
        numbers += 1
        return numbers - 1
      }
      names += 1
      return names - 1
    }
  }

  func batch(_ rows: [FeatureValues]) -> PredictorRows {
    let names = features.count { $0.categories != nil }
    var batch = PredictorRows(
      count: rows.count, numbers: [], numberStride: features.count - names, text: [], nameEnds: [],
      nameStride: names)
    for row in rows {
      for (feature, value) in zip(features, row.values) {
        if feature.categories == nil {
          if case .number(let number) = value {
            batch.numbers.append(number)
          } else {
            batch.numbers.append(.nan)
          }
        } else {
          if case .category(let name) = value { batch.text += Array(name.utf8) }
          batch.nameEnds.append(UInt32(batch.text.count) | (value == .missing ? PredictorRows.missing : 0))
        }
      }
    }
    return batch
  }

  func columns(_ rows: [FeatureValues]) throws -> [TrainingTable.Column] {
    features.indices.map { index in
      let values = rows.map { $0.values[index] }
      guard features[index].categories != nil else {
        return .numeric(values.map { if case .number(let number) = $0 { number } else { .nan } })
      }
      var levels: [String: Int32] = [:]
      var names: [String] = []
      let codes = values.map { value -> Int32 in
        guard case .category(let name) = value else { return -1 }
        if let code = levels[name] { return code }
        levels[name] = Int32(names.count)
        names.append(name)
        return Int32(names.count - 1)
      }
      return .categorical(codes: codes, levels: names)
    }
  }
}
