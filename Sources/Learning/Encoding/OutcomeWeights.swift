/// The weights of the rows of one fold or fit, by outcome.
struct OutcomeWeights: Sendable, Hashable {
  /// Σw of the rows with outcome 0 and 1.
  var sums = [0.0, 0.0]
  /// Σw² of the rows with outcome 0 and 1.
  var squares = [0.0, 0.0]

  mutating func add(_ other: Self) {
    for outcome in 0...1 {
      sums[outcome] += other.sums[outcome]
      squares[outcome] += other.squares[outcome]
    }
  }

  /// The effective number of rows, (Σw)² / Σw² (Kish 1965).
  var effectiveRows: Double {
    let (all, square) = (sums[0] + sums[1], squares[0] + squares[1])
    return square > 0 ? all * (all / square) : 0
  }

  /// Adds up the weights of each fold. `checkpoint` is called every few milliseconds and cancels the work by throwing.
  static func perFold(
    _ outcomes: [UInt8], _ weights: [Double], folds: FoldAssignment, checkpoint: () throws -> Void
  ) throws -> [OutcomeWeights] {
    var sums = [Double](repeating: 0, count: 2 * folds.count)
    var squares = sums
    for block in BlockRunner.blocks(rows: outcomes.count, size: 1 << 18) {
      try checkpoint()
      for row in block {
        let place = 2 * (folds.folds.isEmpty ? 0 : Int(folds.folds[row])) + Int(outcomes[row])
        sums[place] += weights[row]
        squares[place] += weights[row] * weights[row]
      }
    }
    return (0..<folds.count).map { fold in
      OutcomeWeights(
        sums: Array(sums[(2 * fold)..<(2 * fold + 2)]), squares: Array(squares[(2 * fold)..<(2 * fold + 2)]))
    }
  }
}
