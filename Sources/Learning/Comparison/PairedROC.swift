/// The difference of two ROC areas on the same rows (DeLong, DeLong and Clarke-Pearson 1988).
enum PairedROC {
  /// The difference with its interval and p-value. The variance of the difference is that of the difference of each row's
  /// placements, which is what the covariance matrix of the areas gives; ranks make it one sort a model (Sun and Xu 2014).
  ///
  /// - Parameter checkpoint: called between the sorts; ends the work by throwing.
  static func difference(_ rows: PairedRows, checkpoint: () throws -> Void) rethrows -> PairedDifference {
    try checkpoint()
    let first = Placements(rows, rows.champion.scores)
    try checkpoint()
    let second = Placements(rows, rows.challenger.scores)
    try checkpoint()
    var result = PairedDifference(first.area, second.area, .delong)
    guard let difference = result.difference else { return result }
    let counts = Counts(rows)
    guard counts.positives > 1, counts.negatives > 1 else { return result }
    // The influence of a row on the difference; both outcomes have a sample size of their own.
    var influences = [Double](repeating: 0, count: rows.count)
    for row in influences.indices {
      let whole = rows.outcomes[row] == 1 ? counts.positiveWeight : counts.negativeWeight
      let deviation = second.values[row] - first.values[row] - difference
      influences[row] = rows.weight(row) / whole * deviation
    }
    result.setNormal(
      variance: rows.clusters == nil ? counts.variance(influences, rows.outcomes) : rows.variance(influences),
      width: 1)
    return result
  }

  /// The rows of each outcome.
  private struct Counts {
    var positives = 0
    var negatives = 0
    var positiveWeight = 0.0
    var negativeWeight = 0.0

    init(_ rows: PairedRows) {
      for row in 0..<rows.count {
        if rows.outcomes[row] == 1 {
          positives += 1
          positiveWeight += rows.weight(row)
        } else {
          negatives += 1
          negativeWeight += rows.weight(row)
        }
      }
    }

    /// Σ over both outcomes of n / (n − 1) · Σ influence².
    func variance(_ influences: [Double], _ outcomes: [UInt8]) -> Double {
      var (ofPositives, ofNegatives) = (0.0, 0.0)
      for (row, influence) in influences.enumerated() {
        if outcomes[row] == 1 {
          ofPositives += influence * influence
        } else {
          ofNegatives += influence * influence
        }
      }
      let (m, k) = (Double(positives), Double(negatives))
      return ofPositives * m / (m - 1) + ofNegatives * k / (k - 1)
    }
  }

  /// The share of rows of the other outcome that each row is ranked correctly against, ties counting half.
  private struct Placements {
    var values: [Double]
    var area: Double?

    init(_ rows: PairedRows, _ scores: [Double]) {
      values = [Double](repeating: 0, count: rows.count)
      let counts = Counts(rows)
      guard counts.positives > 0, counts.negatives > 0 else { return }
      let order = scores.ascendingOrder()
      var (below, above) = (0.0, counts.positiveWeight)
      var sum = 0.0
      var start = 0
      while start < order.count {
        var (end, p, n) = (start, 0.0, 0.0)
        let score = scores[Int(order[start])]
        while end < order.count, scores[Int(order[end])] == score {
          let row = Int(order[end])
          if rows.outcomes[row] == 1 { p += rows.weight(row) } else { n += rows.weight(row) }
          end += 1
        }
        above -= p
        for row in order[start..<end].lazy.map({ Int($0) }) {
          if rows.outcomes[row] == 1 {
            values[row] = (below + n / 2) / counts.negativeWeight
            sum += rows.weight(row) * values[row]
          } else {
            values[row] = (above + p / 2) / counts.positiveWeight
          }
        }
        below += n
        start = end
      }
      area = sum / counts.positiveWeight
    }
  }
}

extension [Double] {
  /// The indices of the values in ascending order of the values, equal ones in the order of the indices.
  func ascendingOrder() -> [Int32] {
    withUnsafeBufferPointer { values in
      (0..<Int32(clamping: values.count)).sorted { left, right in
        let (a, b) = (values[Int(left)], values[Int(right)])
        return a == b ? left < right : a < b
      }
    }
  }
}
