/// Rows to predict on, one after another in flat buffers.
public struct PredictorRows: Sendable {
  /// How many rows there are.
  public var count: Int
  /// The numbers, `numberStride` a row; NaN = missing.
  public var numbers: [Double]
  /// Numbers a row has.
  public var numberStride: Int
  /// The UTF-8 of all names, end to end.
  public var text: [UInt8]
  /// Where each name ends in `text`, `nameStride` a row; with the top bit set = missing.
  public var nameEnds: [UInt32]
  /// Names a row has.
  public var nameStride: Int

  /// Makes rows; see the properties.
  public init(
    count: Int, numbers: [Double], numberStride: Int, text: [UInt8], nameEnds: [UInt32], nameStride: Int
  ) {
    self.count = count
    self.numbers = numbers
    self.numberStride = numberStride
    self.text = text
    self.nameEnds = nameEnds
    self.nameStride = nameStride
  }

  static let missing: UInt32 = 0x8000_0000

  /// A name; nil if it is missing.
  func name(_ index: Int) -> String? {
    let end = nameEnds[index]
    guard end & Self.missing == 0 else { return nil }
    let start = index == 0 ? 0 : nameEnds[index - 1] & ~Self.missing
    return String(decoding: text[Int(start)..<Int(end)], as: UTF8.self)
  }
}

/// The answers to many rows.
public struct RowPredictions: Sendable {
  /// Of outcome 1, one a row.
  public var probabilities: [Double]
  /// By row; most rows have none.
  public var warnings: [Int: [PredictionWarning]]
}

/// A value that no model takes, in one of many rows.
public struct RowRefusal: Error, Sendable {
  /// The row.
  public var row: Int
  /// The feature.
  public var feature: String
}

extension Predictor {
  /// The answers to many rows, the same to the last bit as ``predict(_:)`` gives one by one.
  ///
  /// - Parameter slots: where in a row each feature of the model stands: among the numbers or among the names, by what
  ///   the feature is.
  /// - Throws: ``RowRefusal`` for a number beyond ±1e150.
  public func predict(_ rows: PredictorRows, slots: [Int]) throws(RowRefusal) -> RowPredictions {
    var answer = RowPredictions(probabilities: [], warnings: [:])
    answer.probabilities.reserveCapacity(rows.count)
    for row in 0..<rows.count {
      var sum = intercept
      for index in terms.indices {
        switch terms[index] {
        case .number(let standardized, let mean, let inverse, let missing, let range):
          let value = rows.numbers[row * rows.numberStride + slots[index]]
          if value.isNaN {
            if features[index].missing == nil {
              answer.warnings[row, default: []].append(.unseenMissing(features[index]))
            }
            sum += missing
          } else {
            guard abs(value) <= TrainingTable.largestMagnitude else {
              throw RowRefusal(row: row, feature: features[index].name)
            }
            if !range.contains(value) {
              answer.warnings[row, default: []].append(.outside(range, value, features[index]))
            }
            sum += standardized * ((value - mean) * inverse)
          }
        case .category(let levels, let missing):
          if let name = rows.name(row * rows.nameStride + slots[index]) {
            if let coefficient = levels[name] {
              sum += coefficient
            } else {
              answer.warnings[row, default: []].append(.unseen(name, features[index]))
            }
          } else {
            if features[index].missing == nil {
              answer.warnings[row, default: []].append(.unseenMissing(features[index]))
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
