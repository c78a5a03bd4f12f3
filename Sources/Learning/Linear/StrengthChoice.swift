import CKernels

/// The choice of the strength λ = 1/C of an l2 penalty by the data: the fixed point of the Fellner–Schall step
/// λ ← edf / |β|² (Wood & Fasiolo, A generalized Fellner-Schall method for smoothing parameter optimization, Biometrics 2017).
///
/// The penalty ½·λ·|β|² is a normal prior with variance 1/λ on the k penalised coefficients. edf = k − λ·tr((H + λI)⁻¹) over
/// their columns is the effective number of coefficients, with the Hessian H of the loss. At the fixed point λ maximises the
/// marginal likelihood in Laplace's approximation. The choice alternates with Newton steps: each replaces the loss by its
/// quadratic model, for which the fixed point is a root of one variable, and moves to the optimum of the model at that λ.
///
/// Above ``Objective/explicitColumns`` columns the Hessian is replaced by its diagonal in edf, since it is not materialised.
struct StrengthChoice {
  /// The objective, whose penalty is replaced.
  let objective: Objective
  let settings: SolverSettings
  /// The effective number of rows for each unit of weight in the objective.
  let scale: Double

  /// A strength and the coefficients at which it was chosen.
  struct Result {
    /// λ in units of the objective.
    var strength: Double
    /// Within about a step of the optimum at this strength.
    var beta: [Double]
    var iterations: Int
  }

  /// The bounds of λ; a coefficient has a prior standard deviation of 0.0001 to 10 standardised units.
  static let bounds = 1e-2...1e8
  /// The logarithm of λ has settled when it changes by less than this.
  static let settled = 1e-6
  /// The same with a diagonal in place of the Hessian, where every change costs a fit.
  static let roughlySettled = 1e-3

  /// Steps after which changes of log λ are halved.
  private static let undamped = 12

  private var penalised: [Int] { objective.columns > 1 ? Array(1..<objective.columns) : [] }

  /// Chooses from a start of coefficients and λ.
  ///
  /// - Parameter precision: the change of log λ below which it has settled.
  func run(from start: [Double], strength: Double, precision: Double = settled) throws -> Result {
    objective.setStrength(strength)
    return objective.columns > Objective.explicitColumns
      ? try byDiagonal(from: start, strength: strength)
      : try byHessian(from: start, strength: strength, precision: precision)
  }

  private func byHessian(from start: [Double], strength: Double, precision: Double) throws -> Result {
    var point = try objective.begin(at: start, settings)
    var result = Result(strength: strength, beta: point.beta, iterations: 0)
    let newton = Newton(objective: objective, settings: settings)
    while result.iterations < settings.maxIterations {
      result.iterations += 1
      let before = result.strength
      result.strength = try root(near: before) { try residual($0, at: point, newton) }
      // Half a step on the logarithm ends a cycle.
      if result.iterations > Self.undamped { result.strength = (before * result.strength).squareRoot() }
      objective.setStrength(result.strength)
      point.value = point.loss + objective.penalty.value(point.beta)
      settings.progress(result.iterations, point.value)
      let (step, slope, _) = try step(at: point, newton)
      if abs((result.strength / before).logarithm) <= precision, slope >= -1e-8 {
        result.beta = sum(point.beta, step, times: 1)
        break
      }
      guard let next = try LineSearch(objective: objective).run(from: point, along: step, slope: slope) else {
        break
      }
      point = next
      result.beta = point.beta
    }
    return result
  }

  /// The Newton step at the current strength, and its slope.
  private func step(
    at point: Objective.Point, _ newton: Newton
  ) throws -> (step: [Double], slope: Double, factor: Cholesky) {
    let l2 = objective.penalty.l2
    let gradient = point.gradient.indices.map { point.gradient[$0] + l2[$0] * point.beta[$0] }
    let factor = try newton.factored(skipped: settings.skipped)
    let step = factor.solve(gradient).map { -$0 }
    return (step, zip(gradient, step).reduce(0) { $0 + $1.0 * $1.1 }, factor)
  }

  /// log(edf / |β|²) − log λ at the optimum of the quadratic model: positive where λ is to grow.
  private func residual(_ strength: Double, at point: Objective.Point, _ newton: Newton) throws -> Double {
    objective.setStrength(strength)
    let (step, _, factor) = try step(at: point, newton)
    var length = 0.0
    for column in penalised {
      length += (point.beta[column] + step[column]) * (point.beta[column] + step[column])
    }
    let traces = try factor.inverseDiagonal(of: penalised, runner: objective.runner)
    return residual(
      strength, freedom: traces.reduce(0) { $0 + (1 - strength * ($1 ?? 1 / strength)) }, length)
  }

  private func residual(_ strength: Double, freedom: Double, _ length: Double) -> Double {
    // Rounding errors can make the freedom of a very strong penalty negative.
    guard length > 0, freedom > 0 else { return length > 0 ? -.infinity : .infinity }
    return (freedom / (scale * length * strength)).logarithm
  }

  private func byDiagonal(from start: [Double], strength: Double) throws -> Result {
    var result = Result(strength: strength, beta: start, iterations: 0)
    var rough = settings
    rough.tolerance = 1e-3
    for _ in 0..<12 {
      let fit = try NewtonConjugateGradient(objective: objective, settings: rough).fit(from: result.beta)
      result.iterations += fit.iterations
      result.beta = fit.beta
      _ = try objective.evaluate(fit.beta)
      let diagonal = try objective.diagonal()
      let before = result.strength
      // With a diagonal Hessian the optimum at another strength follows from that at this one.
      result.strength = try root(near: before) { strength in
        var (freedom, length) = (0.0, 0.0)
        for column in penalised {
          let curvature = diagonal[column]
          let beta = fit.beta[column] * (curvature + before) / (curvature + strength)
          freedom += curvature / (curvature + strength)
          length += beta * beta
        }
        return residual(strength, freedom: freedom, length)
      }
      objective.setStrength(result.strength)
      if abs((result.strength / before).logarithm) <= Self.roughlySettled { break }
    }
    return result
  }

  /// The root of a function of λ, in the direction of its sign from a start, by false position on the logarithm (the Illinois
  /// variant: Dowell & Jarratt, BIT 1971); a bound if there is no root before it.
  private func root(near start: Double, _ function: (Double) throws -> Double) throws -> Double {
    let (low, high) = (Self.bounds.lowerBound.logarithm, Self.bounds.upperBound.logarithm)
    var last = (at: min(max(start.logarithm, low), high), value: 0.0)
    last.value = try function(last.at.exponential)
    var width = min(max(abs(last.value), 1e-6), 2)
    var other = last
    while abs(last.value) > 1e-9 {
      let next = min(max(last.at + (last.value > 0 ? width : -width), low), high)
      if next == last.at { return next.exponential }
      other = last
      last = (next, try function(next.exponential))
      if (last.value > 0) != (other.value > 0) { break }
      width *= 2
    }
    for _ in 0..<60 where abs(last.value) > 1e-9 && abs(last.at - other.at) > 1e-9 {
      let share =
        last.value.isFinite && other.value.isFinite ? last.value / (last.value - other.value) : 0.5
      let next = last.at + min(max(share, 0.01), 0.99) * (other.at - last.at)
      let value = try function(next.exponential)
      if (value > 0) != (last.value > 0) { other = last } else { other.value /= 2 }
      last = (next, value)
    }
    return last.at.exponential
  }
}

extension Cholesky {
  /// The diagonal elements of the inverse in some columns; nil for columns left out.
  func inverseDiagonal(of columns: [Int], runner: BlockRunner) throws -> [Double?] {
    try columns.enumerated().map { index, column in
      if index % 32 == 0 { try runner.checkCancelled() }
      guard skip[column] == 0 else { return nil }
      var unit = [Double](repeating: 0, count: order)
      unit[column] = 1
      // eᵀ(L·Lᵀ)⁻¹e = |L⁻¹e|².
      ck_forward_solve(factor, order, stride, skip, column, &unit)
      return unit.reduce(0) { $0 + $1 * $1 }
    }
  }
}
