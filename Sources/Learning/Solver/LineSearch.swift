/// Halves a step until the objective falls by a share of what the slope promises (Armijo).
struct LineSearch {
  let objective: Objective

  /// The point reached, or nil if no step makes the objective smaller.
  func run(from point: Objective.Point, along step: [Double], slope: Double) throws -> Objective.Point? {
    var length = 1.0
    // Rounding in the sum over the rows must not look like a rise.
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
