/// Newton's method for an additive model whose smoothness is chosen on the way.
///
/// Between two Newton steps, each λ takes the Fellner–Schall step of Wood and Fasiolo (2017, A Generalized Fellner-Schall Method for
/// Smoothing Parameter Optimization, Biometrics 73): λ ← λ · (tr(S_λ⁻S) − tr((H + S_λ)⁻¹S)) / (βᵀSβ), which climbs the marginal likelihood.
/// As each λ has one penalty, this is λ ← edf / (βᵀSβ), with edf = rank − λ·tr((H + S_λ)⁻¹S) the effective degrees of freedom. When no edf
/// changes any more, Newton's method goes on to convergence with the λs held.
struct SmoothnessSolver {
  let system: AdditiveSystem
  let tolerance: Double
  let maxIterations: Int
  /// Called in every iteration with its number and the objective.
  let progress: (Int, Double) -> Void

  /// The bounds of λ.
  static let bounds = 1e-4...1e8
  /// The prior of λ: a gamma density with the shape 1 + priorFreedom / 2 and the rate priorRoughness / 2, as if so many degrees of freedom
  /// with so much roughness had been seen before. Without it, the marginal likelihood of few rows takes weak terms out altogether.
  private static let priorFreedom = 4.0
  private static let priorRoughness = 0.25
  /// λ settles when no edf changes by more than this.
  private static let settled = 0.5
  /// The most steps in which λ changes.
  private static let searchSteps = 30

  struct Result {
    var point: AdditiveSystem.Point
    var converged: Bool
    var iterations: Int
    /// The factored penalised Hessian at the last step.
    var factor: Cholesky
    /// Whether the Hessian belongs to the final coefficients to within the tolerance.
    var hessianDistance: Double
  }

  /// Finds the smoothness of the penalties that `isFree` names, and the coefficients.
  ///
  /// - Parameters:
  ///   - start: the coefficients to start from.
  ///   - isSearching: whether λ is chosen; otherwise it is held.
  ///   - isRough: whether to stop when λ has settled.
  func run(from start: [Double], isSearching: Bool, isRough: Bool = false) throws -> Result {
    var point = try system.evaluate(start)
    var convergence = Convergence(penalisedTo: tolerance)
    var isSearching = isSearching
    var previous: [Double] = []
    var pace = [Double](repeating: 1, count: system.terms.reduce(0) { $0 + $1.penalties.count })
    var lastRatios = pace
    for iteration in 1...maxIterations {
      let gradient = try system.derivatives(at: point.beta)
      let factor = try system.factored()
      let step = factor.solve(gradient).map { -$0 }
      let slope = zip(gradient, step).reduce(0) { $0 + $1.0 * $1.1 }
      let decrement = max(0, -slope).squareRoot()
      progress(iteration, point.value)
      if !isSearching, convergence.isLast(decrement) {
        let beta = sum(point.beta, step, times: 1)
        let loss = try system.evaluate(beta)
        return Result(
          point: loss, converged: true, iterations: iteration, factor: factor, hessianDistance: decrement)
      }
      guard let next = try search(from: point, along: step, slope: slope) else {
        if isSearching {
          isSearching = false
          convergence = Convergence(penalisedTo: tolerance)
          if isRough {
            return Result(
              point: point, converged: true, iterations: iteration, factor: factor, hessianDistance: decrement
            )
          }
          continue
        }
        return Result(
          point: point, converged: decrement < 1e-4, iterations: iteration, factor: factor,
          hessianDistance: decrement)
      }
      point = next
      guard isSearching else { continue }
      let inverse = try InverseRows(factor, runner: system.runner)
      let freedom = choose(inverse, beta: point.beta, &pace, &lastRatios)
      let change = zip(previous, freedom).reduce(previous.isEmpty ? .infinity : 0) {
        max($0, abs($1.0 - $1.1) / (1 + 0.05 * $1.1))
      }
      previous = freedom
      // Penalties have changed, so that the value of the point has.
      point.value = point.loss + system.penalty(point.beta)
      if decrement < 0.3 && change < Self.settled || iteration >= Self.searchSteps {
        isSearching = false
        if isRough {
          return Result(
            point: point, converged: true, iterations: iteration, factor: factor, hessianDistance: decrement)
        }
        convergence = Convergence(penalisedTo: tolerance)
      }
    }
    return Result(
      point: point, converged: false, iterations: maxIterations, factor: try system.factored(),
      hessianDistance: .infinity)
  }

  /// Takes the Fellner–Schall step of each λ. A λ that goes on in one direction goes faster, since its way to infinity is long.
  ///
  /// - Returns: the effective degrees of freedom of each penalty before the step.
  private func choose(
    _ inverse: InverseRows, beta: [Double], _ pace: inout [Double], _ last: inout [Double]
  ) -> [Double] {
    var freedom: [Double] = []
    for index in system.terms.indices {
      let term = system.terms[index]
      for number in term.penalties.indices {
        let penalty = term.penalties[number]
        let place = freedom.count
        let trace = inverse.trace(penalty, first: term.first)
        let own = max(0, min(Double(penalty.rank), Double(penalty.rank) - penalty.lambda * trace))
        freedom.append(own)
        guard penalty.rank > 0 else { continue }
        let roughness = beta.withUnsafeBufferPointer {
          $0.baseAddress.map { penalty.value($0 + term.first) } ?? 0
        }
        let wanted = (own + Self.priorFreedom) / (roughness + Self.priorRoughness)
        let logarithm = max(1e-3, min(1e3, wanted / penalty.lambda)).logarithm
        pace[place] = logarithm * last[place] > 0 ? min(4, pace[place] * 1.4) : 1
        last[place] = logarithm
        let next = penalty.lambda * (logarithm * pace[place]).exponential
        system.terms[index].penalties[number].lambda = max(
          Self.bounds.lowerBound, min(Self.bounds.upperBound, next))
      }
    }
    return freedom
  }

  /// Halves the step until the value falls sufficiently.
  private func search(
    from point: AdditiveSystem.Point, along step: [Double], slope: Double
  ) throws -> AdditiveSystem.Point? {
    var length = 1.0
    let slack = 1e-12 * abs(point.value)
    for _ in 0..<40 {
      let next = try system.evaluate(sum(point.beta, step, times: length))
      if next.value <= point.value + 1e-4 * length * slope + slack { return next }
      length /= 2
    }
    return nil
  }
}
