/// Newton's method (iteratively reweighted least squares) with a Cholesky factorisation, for smooth penalties.
struct Newton {
  let objective: Objective
  let settings: SolverSettings

  /// A pivot this small beside its diagonal element means that the column follows from those before.
  static let collinear = 1e-10
  /// With a penalty every column has something of its own; only rounding is kept out.
  static let rounding = 1e-14

  /// Steps from `start` to the optimum.
  func fit(from start: [Double]) throws -> Fit {
    let penalty = objective.penalty
    var skipped = settings.skipped
    if !penalty.isPenalising, start != settings.origin {
      // Which columns follow from others is asked where all rows count alike; at the start some may weigh next to nothing.
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
          objective: point.value + 0.5 * slope, skipped: skipped, age: decrement)
      }
      guard let next = try LineSearch(objective: objective).run(from: point, along: step, slope: slope) else {
        // No step makes the objective smaller any more: this is as near as rounding lets it come.
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

  /// The second derivative with the penalty, factored.
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
