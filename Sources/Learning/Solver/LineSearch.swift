/// Backtracking line search: halves a step until the objective falls sufficiently (Armijo).
struct LineSearch {
  let objective: Objective

  /// Returns the point reached, or nil if no step decreases the objective.
  func run(from point: Objective.Point, along step: [Double], slope: Double) throws -> Objective.Point? {
    var length = 1.0
    // Rounding errors of the sum over the rows must not count as an increase.
    let slack = 1e-12 * abs(point.value)
    for _ in 0..<40 {
      let next = try objective.evaluate(sum(point.beta, step, times: length))
      if next.value <= point.value + 1e-4 * length * slope + slack { return next }
      length /= 2
    }
    return nil
  }
}

/// a + length·b.
func sum(_ a: [Double], _ b: [Double], times length: Double) -> [Double] {
  a.indices.map { a[$0] + length * b[$0] }
}
