/// Newton's method with linear systems solved by conjugate gradients, for smooth penalties and very many columns. It needs
/// products of the Hessian and a vector only, and never materialises the Hessian.
struct NewtonConjugateGradient {
  let objective: Objective
  let settings: SolverSettings

  /// Iterates from `start` to the optimum.
  func fit(from start: [Double]) throws -> Fit {
    let penalty = objective.penalty
    var point = try objective.begin(at: start, settings)
    var convergence = Convergence(tolerance: max(settings.tolerance, 1e-7), penalty: penalty)
    var previous: Double?
    for iteration in 1...settings.maxIterations {
      var gradient = point.gradient.indices.map { point.gradient[$0] + penalty.l2[$0] * point.beta[$0] }
      for column in gradient.indices where settings.skipped[column] { gradient[column] = 0 }
      // Early steps need no exact solution; near the optimum the precision must grow for quadratic convergence.
      let precision = min(0.1, (previous ?? 1) * 0.1)
      let (step, decrement) = try solve(gradient, precision: max(precision, 1e-10))
      settings.progress(iteration, point.value)
      let slope = -decrement * decrement
      let separated = convergence.separated(decrement, step: step)
      if !separated.isEmpty {
        return Fit(
          beta: point.beta, converged: false, separated: separated, iterations: iteration,
          objective: point.value, skipped: settings.skipped)
      }
      if convergence.isLast(decrement) {
        return Fit(
          beta: sum(point.beta, step, times: 1), converged: true, iterations: iteration,
          objective: point.value + 0.5 * slope, skipped: settings.skipped)
      }
      guard let next = try LineSearch(objective: objective).run(from: point, along: step, slope: slope) else {
        return Fit(
          beta: point.beta, converged: decrement < 1e-4, iterations: iteration, objective: point.value,
          skipped: settings.skipped)
      }
      previous = decrement
      point = next
    }
    return Fit(
      beta: point.beta, converged: false, iterations: settings.maxIterations, objective: point.value,
      skipped: settings.skipped)
  }

  /// Solves (H + L2)·step = −gradient, preconditioned by the diagonal, until the residual has fallen to `precision` of the
  /// gradient in the preconditioned norm. Returns the step and √(stepᵀ(H + L2)step).
  private func solve(_ gradient: [Double], precision: Double) throws -> (step: [Double], decrement: Double) {
    let penalty = objective.penalty
    let diagonal = try objective.diagonal()
    let scale = gradient.indices.map { column -> Double in
      let value = diagonal[column] + penalty.l2[column]
      return value > 0 && !settings.skipped[column] ? 1 / value : 0
    }
    var step = [Double](repeating: 0, count: gradient.count)
    var residual = gradient.map { -$0 }
    var scaled = residual.indices.map { scale[$0] * residual[$0] }
    var direction = scaled
    var size = dot(residual, scaled)
    let goal = precision * precision * size
    for _ in 0..<(2 * gradient.count + 50) where size > goal && size > 0 {
      var product = try objective.product(direction)
      for column in product.indices { product[column] += penalty.l2[column] * direction[column] }
      let curvature = dot(direction, product)
      guard curvature > 0 else { break }
      let length = size / curvature
      for column in step.indices {
        step[column] += length * direction[column]
        residual[column] -= length * product[column]
        scaled[column] = scale[column] * residual[column]
      }
      let next = dot(residual, scaled)
      for column in step.indices { direction[column] = scaled[column] + next / size * direction[column] }
      size = next
    }
    // The residual is orthogonal to the step, so that gᵀstep gives its length.
    return (step, max(0, -dot(gradient, step)).squareRoot())
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
