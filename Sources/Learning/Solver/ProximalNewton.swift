/// Proximal Newton: the loss is replaced by its quadratic model, which is minimised together with the penalty (Lee,
/// Sun and Saunders 2014), then a line search on the objective itself. For penalties with an l1 part, whose corners
/// Newton's method cannot see.
struct ProximalNewton {
  let objective: Objective
  let settings: SolverSettings
  let model: any QuadraticModel
  /// The finest precision that the model is solved to.
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

  /// Steps from `start` to the optimum.
  func fit(from start: [Double]) throws -> Fit {
    let penalty = objective.penalty
    var point = try objective.begin(at: start, settings)
    var convergence = Convergence(tolerance: max(settings.tolerance, finest), penalty: penalty)
    var precision = 1e-3
    for iteration in 1...settings.maxIterations {
      let (step, curved) = try model.minimise(point, precision: precision)
      let next = sum(point.beta, step, times: 1)
      // The fall that the model promises, and the length of the step in standard errors.
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
