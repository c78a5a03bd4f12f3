/// What a solver comes back with.
struct Fit: Sendable {
  /// Coefficients in design columns, intercept first.
  var beta: [Double]
  /// Whether the distance to the optimum is below the tolerance.
  var converged: Bool
  /// If the likelihood has no maximum because some direction separates the outcomes: the columns that it is made
  /// of, otherwise empty.
  var separated: [Int] = []
  var iterations: Int
  /// The penalised loss, in units of the loss.
  var objective: Double
  /// Columns that were left out because they follow from others; their coefficients are 0.
  var skipped: [Bool]
  /// How far the second derivative that the objective still holds is from that at `beta`, in standard errors.
  var age = Double.infinity
}

/// What every solver needs to know beside the objective.
struct SolverSettings {
  var tolerance: Double
  var maxIterations: Int
  /// Columns to leave out from the start.
  var skipped: [Bool]
  /// The model without features, for when the start is worse than that, and its objective.
  var origin: [Double]
  var originValue: Double
  /// Called after every step with its number and the objective.
  var progress: (Int, Double) -> Void = { _, _ in }
}

/// Says when to stop: the Newton decrement δ = √(gᵀH⁻¹g) is the distance to the optimum in standard errors, and near
/// it each step squares it (times a factor that the last two steps tell). A step whose result will be within the
/// tolerance is the last and needs no pass over the data after it.
struct Convergence {
  var tolerance: Double
  /// Without any penalty the likelihood may have no maximum.
  var isPenalised: Bool
  private var previous: Double?

  init(tolerance: Double, penalty: PenaltyWeights) {
    self.tolerance = tolerance
    isPenalised = penalty.isPenalising
  }

  /// The columns that run away to infinity, to be asked before `isLast`. On separated data each step lengthens the
  /// coefficients by about as much while the decrement falls by the factor e^−½ alone; near a maximum it would fall
  /// with its square.
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
