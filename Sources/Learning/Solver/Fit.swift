/// The result of a solver.
struct Fit: Sendable {
  /// The coefficients of the design columns, intercept first.
  var beta: [Double]
  /// Whether the estimated distance to the optimum is below the tolerance.
  var converged: Bool
  /// The columns of a direction that separates the outcomes, so that the likelihood has no maximum; otherwise empty.
  var separated: [Int] = []
  var iterations: Int
  /// The penalised loss, in units of the loss.
  var objective: Double
  /// Columns left out because they depend linearly on others; their coefficients are 0.
  var skipped: [Bool]
  /// The distance between the point of the objective's current Hessian and `beta`, in standard errors.
  var hessianDistance = Double.infinity
  /// The inverse strength `C` of the penalty, where the data chose it.
  var chosenC: Double?
}

/// The settings of every solver.
struct SolverSettings {
  var tolerance: Double
  var maxIterations: Int
  /// Columns left out from the start.
  var skipped: [Bool]
  /// The coefficients of the model without features, used if `start` is worse.
  var origin: [Double]
  /// The objective at `origin`.
  var originValue: Double
  /// Called in every iteration with its number and the objective.
  var progress: (Int, Double) -> Void = { _, _ in }
}

/// The stopping rule of all solvers.
///
/// The Newton decrement δ = √(gᵀH⁻¹g) is the distance to the optimum in standard errors. Near the optimum each step squares it,
/// times a factor estimated from the last two steps. A step whose result will be within the tolerance is the last one and needs
/// no further pass over the data.
struct Convergence {
  var tolerance: Double
  /// Whether there is a penalty; without one the likelihood may have no maximum.
  var isPenalised: Bool
  private var previous: Double?

  init(tolerance: Double, penalty: PenaltyWeights) {
    self.tolerance = tolerance
    isPenalised = penalty.isPenalising
  }

  /// The rule of a fit whose penalties make the optimum finite.
  init(penalisedTo tolerance: Double) {
    self.tolerance = tolerance
    isPenalised = true
  }

  /// The columns whose coefficients diverge, called before `isLast`. On separated data each step lengthens the coefficients by
  /// about the same amount, while the decrement falls only by the factor e^−½; near a maximum it falls quadratically.
  func separated(_ decrement: Double, step: [Double]) -> [Int] {
    guard !isPenalised, let previous, decrement < 1e-3, decrement > 0.45 * previous, decrement > 1e-10 else {
      return []
    }
    let largest = step.reduce(0) { max($0, abs($1)) }
    return step.indices.filter { $0 > 0 && abs(step[$0]) > 0.3 * largest }
  }

  mutating func isLast(_ decrement: Double) -> Bool {
    defer { previous = decrement }
    if decrement <= tolerance { return true }
    guard decrement <= 1e-2, let previous else { return decrement * decrement <= 1e-2 * tolerance }
    let factor = max(1, decrement / (previous * previous))
    return decrement * decrement * factor <= tolerance
  }
}
