/// Newton's method (iteratively reweighted least squares) with Cholesky factorisation, for smooth penalties.
struct Newton {
  let objective: Objective
  let settings: SolverSettings

  /// The relative pivot below which a column counts as linearly dependent on earlier ones.
  static let collinear = 1e-10
  /// The same with a penalty, which makes columns independent: only rounding errors are excluded.
  static let rounding = 1e-14

  /// Iterates from `start` to the optimum.
  func fit(from start: [Double]) throws -> Fit {
    let penalty = objective.penalty
    var skipped = settings.skipped
    if !penalty.isPenalising, start != settings.origin {
      // Dependent columns are determined at the origin, where all rows have similar weights; at `start` some may be near 0.
      _ = try objective.evaluate(settings.origin)
      skipped = try factored(skipped: skipped).skip.map { $0 != 0 }
    }
    var point = try objective.begin(at: start.indices.map { skipped[$0] ? 0 : start[$0] }, settings)
    var convergence = Convergence(tolerance: settings.tolerance, penalty: penalty)
    for iteration in 1...settings.maxIterations {
      let gradient = point.gradient.indices.map { point.gradient[$0] + penalty.l2[$0] * point.beta[$0] }
      let factor = try factored(skipped: skipped)
      if iteration == 1, point.beta == settings.origin { skipped = factor.skip.map { $0 != 0 } }
      let step = factor.solve(gradient).map { -$0 }
      let slope = zip(gradient, step).reduce(0) { $0 + $1.0 * $1.1 }
      let decrement = max(0, -slope).squareRoot()
      settings.progress(iteration, point.value)
      let separated = convergence.separated(decrement, step: step)
      if !separated.isEmpty {
        return Fit(
          beta: point.beta, converged: false, separated: separated, iterations: iteration,
          objective: point.value, skipped: skipped)
      }
      if convergence.isLast(decrement) {
        return Fit(
          beta: sum(point.beta, step, times: 1), converged: true, iterations: iteration,
          objective: point.value + 0.5 * slope, skipped: skipped, hessianDistance: decrement)
      }
      guard let next = try LineSearch(objective: objective).run(from: point, along: step, slope: slope) else {
        // No step decreases the objective: rounding errors limit the precision.
        return Fit(
          beta: point.beta, converged: decrement < 1e-4, iterations: iteration, objective: point.value,
          skipped: skipped)
      }
      point = next
    }
    return Fit(
      beta: point.beta, converged: false, iterations: settings.maxIterations, objective: point.value,
      skipped: skipped)
  }

  /// The factored Hessian with the penalty.
  func factored(skipped: [Bool]) throws -> Cholesky {
    let (columns, stride, penalty) = (objective.columns, objective.stride, objective.penalty)
    var matrix = objective.hessian
    var penalised = false
    for column in 0..<columns {
      matrix[column * stride + column] += penalty.l2[column]
      if penalty.l2[column] > 0 { penalised = true }
    }
    return try Cholesky(
      matrix, order: columns, stride: stride, skipped: skipped,
      tolerance: penalised ? Self.rounding : Self.collinear, runner: objective.runner)
  }
}
