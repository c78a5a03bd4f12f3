/// The weight of each row in a fit: its own weight times that of its outcome, 0 for rows of the excluded fold, in units in which all
/// weights add up to the effective number of rows (Σw)² / Σw², so that standard errors and smoothness are those of that many rows.
final class RowMasses {
  /// One weight a row.
  let start: UnsafeMutablePointer<Double>
  /// The own weights of the fitted rows, without those of the outcomes: their sums by outcome.
  let own: [Double]
  let count: Int
  private let memory: Workspace

  init(_ table: TrainingTable, plan: ValidationPlan, excluding fold: Int?, balanced: Bool) {
    count = table.rowCount
    memory = Workspace(count: table.rowCount)
    start = memory.start
    var sums = [0.0, 0.0]
    let folds = plan.folds.folds
    let weights = table.attributes.weights
    for row in 0..<count {
      let isFitted = fold == nil || folds.isEmpty || Int(folds[row]) != fold
      start[row] = isFitted ? weights?[row] ?? 1 : 0
      sums[Int(table.outcomes[row])] += start[row]
    }
    own = sums
    guard balanced || weights != nil else { return }
    let total = sums[0] + sums[1]
    let factors = balanced ? sums.map { $0 > 0 ? total / (2 * $0) : 0 } : [1, 1]
    var (first, second) = (0.0, 0.0)
    for row in 0..<count {
      start[row] *= factors[Int(table.outcomes[row])]
      first += start[row]
      second += start[row] * start[row]
    }
    let scale = second > 0 ? first / second : 1
    for row in 0..<count { start[row] *= scale }
  }

  /// The same rows without a random part of each outcome.
  ///
  /// - Parameter share: the share of the rows that stays.
  func sampled(_ outcomes: [UInt8], share: Double, _ generator: inout SplitMix64) -> RowMasses {
    let copy = RowMasses(self)
    for outcome: UInt8 in 0...1 {
      var total = 0
      for row in 0..<count where start[row] > 0 && outcomes[row] == outcome { total += 1 }
      var left = max(1, Int((Double(total) * share).rounded()))
      for row in 0..<count where start[row] > 0 && outcomes[row] == outcome {
        if generator.below(total) < left { left -= 1 } else { copy.start[row] = 0 }
        total -= 1
      }
    }
    return copy
  }

  private init(_ other: RowMasses) {
    count = other.count
    own = other.own
    memory = Workspace(count: other.count)
    start = memory.start
    start.update(from: other.start, count: other.count)
  }
}
