/// Proximal Newton method (Lee, Sun and Saunders 2014) for penalties with an l1 part, which are not differentiable.
///
/// Each step minimises a quadratic model of the loss together with the penalty, then searches along it on the objective.
struct ProximalNewton {
  let objective: Objective
  let settings: SolverSettings
  let model: any QuadraticModel
  /// The finest precision to which the model is solved.
  let finest: Double

  init(objective: Objective, settings: SolverSettings) {
    self.objective = objective
    self.settings = settings
    let isExplicit = objective.columns <= Objective.explicitColumns
    model =
      isExplicit
      ? ExplicitModel(objective: objective, skipped: settings.skipped)
      : ImplicitModel(objective: objective, skipped: settings.skipped)
    finest = isExplicit ? 1e-10 : 1e-7
  }

  /// Iterates from `start` to the optimum.
  func fit(from start: [Double]) throws -> Fit {
    let penalty = objective.penalty
    var point = try objective.begin(at: start, settings)
    var convergence = Convergence(tolerance: max(settings.tolerance, finest), penalty: penalty)
    var precision = 1e-3
    for iteration in 1...settings.maxIterations {
      let (step, curved) = try model.minimise(point, precision: precision)
      let next = sum(point.beta, step, times: 1)
      // The predicted decrease of the objective, and the length of the step in standard errors.
      let slope =
        zip(point.gradient, step).reduce(0) { $0 + $1.0 * $1.1 } + penalty.value(next)
        - penalty.value(point.beta)
      let decrement = max(0, curved).squareRoot()
      settings.progress(iteration, point.value)
      func done(_ beta: [Double], converged: Bool, gain: Double = 0) -> Fit {
        Fit(
          beta: beta, converged: converged, iterations: iteration, objective: point.value + gain,
          skipped: settings.skipped)
      }
      if convergence.isLast(decrement), precision <= finest {
        return done(next, converged: true, gain: 0.5 * slope)
      }
      precision = decrement < 1 ? finest : 1e-3
      guard let reached = try LineSearch(objective: objective).run(from: point, along: step, slope: slope)
      else {
        return done(point.beta, converged: decrement < 1e-4)
      }
      point = reached
    }
    return Fit(
      beta: point.beta, converged: false, iterations: settings.maxIterations, objective: point.value,
      skipped: settings.skipped)
  }
}

/// A quadratic model of the loss at a point, with the penalty, which a proximal Newton step minimises.
protocol QuadraticModel {
  /// Returns the step d that minimises gᵀd + ½dᵀHd + penalty(β + d) to a precision in standard errors, and dᵀ(H + L2)d.
  func minimise(_ point: Objective.Point, precision: Double) throws -> (step: [Double], curved: Double)
}
