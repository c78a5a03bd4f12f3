import CKernels

/// Proximal Newton: the loss is replaced by its quadratic model, which coordinate descent minimises together with
/// the penalty (Lee, Sun and Saunders 2014), then a line search on the objective itself. For penalties with an l1
/// part, whose corners Newton's method cannot see.
struct ProximalNewton {
  let objective: Objective
  let settings: SolverSettings

  private var penalty: PenaltyWeights { objective.penalty }
  private var columns: Int { objective.columns }
  private var stride: Int { objective.stride }

  /// Steps from `start` to the optimum.
  func fit(from start: [Double]) throws -> Fit {
    var point = try objective.evaluate(start)
    var convergence = Convergence(tolerance: settings.tolerance)
    var precision = 1e-3
    for iteration in 1...settings.maxIterations {
      var hessian = objective.hessian
      ck_mirror(&hessian, columns, stride)
      let (step, curved) = try minimise(point, hessian: hessian, precision: precision)
      // The fall that the model promises, and the length of the step in standard errors.
      let next = sum(point.beta, step, times: 1)
      let slope =
        zip(point.gradient, step).reduce(0) { $0 + $1.0 * $1.1 } + penalty.value(next)
        - penalty.value(point.beta)
      let decrement = max(0, curved).squareRoot()
      settings.progress(iteration, point.value)
      let size = step.reduce(0) { max($0, abs($1)) }
      if decrement < 1e-3, size > 0.2 {
        return Fit(
          beta: point.beta, converged: false, separated: true, iterations: iteration, objective: point.value,
          skipped: settings.skipped)
      }
      if precision <= 1e-9, convergence.isLast(decrement) {
        return Fit(
          beta: next, converged: true, iterations: iteration, objective: point.value + 0.5 * slope,
          skipped: settings.skipped)
      }
      precision = decrement < 1 ? 1e-10 : 1e-3
      guard let reached = try search(from: point, along: step, slope: slope) else {
        return Fit(
          beta: point.beta, converged: decrement < 1e-4, iterations: iteration, objective: point.value,
          skipped: settings.skipped)
      }
      point = reached
    }
    return Fit(
      beta: point.beta, converged: false, iterations: settings.maxIterations, objective: point.value,
      skipped: settings.skipped)
  }

  /// The step that minimises the quadratic model with the penalty, and stepᵀ(H + L2)step.
  private func minimise(
    _ point: Objective.Point, hessian: [Double], precision: Double
  ) throws -> (step: [Double], curved: Double) {
    var step = [Double](repeating: 0, count: columns)
    var slope = point.gradient
    var active = settings.skipped.map { UInt8($0 ? 0 : 1) }
    let all = active
    sweeps: for round in 0..<2_000 {
      try objective.runner.checkCancelled()
      // A sweep over all columns finds out which coefficients are not 0; more sweeps settle those alone.
      let change = ck_descend(
        hessian, columns, stride, point.beta, penalty.l1, penalty.l2, all, &step, &slope)
      if change <= precision { break sweeps }
      for column in 0..<columns where all[column] != 0 {
        active[column] = column == 0 || point.beta[column] + step[column] != 0 ? 1 : 0
      }
      for _ in 0..<(round < 2 ? 5 : 50) {
        if ck_descend(hessian, columns, stride, point.beta, penalty.l1, penalty.l2, active, &step, &slope)
          <= precision
        {
          break
        }
      }
      if round >= 1, polish(point, hessian: hessian, active: active, step: &step, slope: &slope) {
        break sweeps
      }
    }
    var curved = 0.0
    for column in 0..<columns {
      curved += step[column] * (slope[column] - point.gradient[column] + penalty.l2[column] * step[column])
    }
    return (step, curved)
  }

  /// With the signs of the coefficients known the model is smooth in those that are not 0: one linear solve ends the
  /// descent, if no sign changes by it and no other coefficient wants to leave 0.
  private func polish(
    _ point: Objective.Point, hessian: [Double], active: [UInt8], step: inout [Double], slope: inout [Double]
  ) -> Bool {
    let chosen = (0..<columns).filter { active[$0] != 0 }
    let width = (chosen.count + 7) / 8 * 8
    var matrix = [Double](repeating: 0, count: chosen.count * width)
    var right = [Double](repeating: 0, count: chosen.count)
    for (row, i) in chosen.enumerated() {
      for column in 0...row { matrix[row * width + column] = hessian[i * stride + chosen[column]] }
      matrix[row * width + row] += penalty.l2[i]
      let at = point.beta[i] + step[i]
      right[row] = -(slope[i] + penalty.l2[i] * at + (penalty.l1[i] > 0 ? copy(penalty.l1[i], at) : 0))
    }
    guard
      let factor = try? Cholesky(
        matrix, order: chosen.count, stride: width, skipped: [Bool](repeating: false, count: chosen.count),
        tolerance: 1e-12, runner: objective.runner)
    else { return false }
    let correction = factor.solve(right)
    for (row, i) in chosen.enumerated() where penalty.l1[i] > 0 {
      let at = point.beta[i] + step[i]
      if (at + correction[row]) * at <= 0 { return false }
    }
    var newSlope = slope
    for (row, i) in chosen.enumerated() {
      for column in 0..<columns { newSlope[column] += correction[row] * hessian[i * stride + column] }
    }
    for column in 0..<columns where settings.skipped[column] == false && active[column] == 0 {
      if abs(newSlope[column]) > penalty.l1[column] * (1 + 1e-12) { return false }
    }
    // What was left out of the factorisation must be at rest too.
    for (row, i) in chosen.enumerated() where factor.skip[row] != 0 {
      let at = point.beta[i] + step[i]
      let rest = newSlope[i] + penalty.l2[i] * at + (penalty.l1[i] > 0 ? copy(penalty.l1[i], at) : 0)
      if abs(rest) > 1e-9 * (1 + abs(point.gradient[i])) { return false }
    }
    for (row, i) in chosen.enumerated() { step[i] += correction[row] }
    slope = newSlope
    return true
  }

  private func copy(_ magnitude: Double, _ sign: Double) -> Double { sign < 0 ? -magnitude : magnitude }

  private func search(from point: Objective.Point, along step: [Double], slope: Double) throws -> Objective
    .Point?
  {
    var length = 1.0
    let slack = 1e-12 * abs(point.value)
    for _ in 0..<40 {
      let next = try objective.evaluate(sum(point.beta, step, times: length))
      if next.value <= point.value + 1e-4 * length * slope + slack { return next }
      length /= 2
    }
    return nil
  }
}
