import Dispatch
import Foundation

/// Solves one fit: chooses the solver and the starting point, and computes the standard errors of the result.
struct LinearSolver {
  let objective: Objective
  let references: Set<Int>
  private let encoding: Encoding
  private let parameters: TrainingParameters
  private let settings: SolverSettings

  init(
    matrix: DesignMatrix, encoding: Encoding, parameters: TrainingParameters, runner: BlockRunner,
    progress: @escaping (Int, Double) -> Void
  ) throws {
    self.encoding = encoding
    self.parameters = parameters
    matrix.configure(encoding)
    let layout = matrix.layout
    objective = Objective(
      matrix: matrix, encoding: encoding,
      penalty: PenaltyWeights(parameters, columns: layout.columns), runner: runner)
    references = parameters.penalty == .none ? encoding.references(layout) : []
    var origin = [Double](repeating: 0, count: layout.columns)
    origin[0] = encoding.logOdds
    settings = SolverSettings(
      tolerance: parameters.tolerance, maxIterations: parameters.maxIterations,
      skipped: (0..<layout.columns).map { [references] in references.contains($0) }, origin: origin,
      originValue: encoding.nullLoss, progress: progress)
  }

  /// Finds the optimum from a given start (standardised scale), or else from the optimum of a sample of the rows or the
  /// model without features.
  func fit(from start: [Double]?) throws -> Fit {
    if parameters.choosesC { return try fitChoosing(from: start) }
    var begin = try start.flatMap { $0.allSatisfy(\.isFinite) ? $0 : nil } ?? sampled() ?? settings.origin
    for column in references { begin[column] = 0 }
    let fit = try solve(objective, from: begin, settings)
    // A start can be too far off to converge from.
    guard !fit.converged, fit.separated.isEmpty, begin != settings.origin else { return fit }
    return try solve(objective, from: settings.origin, settings)
  }

  /// Chooses the strength of the penalty, then finds the optimum at that strength.
  ///
  /// C is rounded to three significant digits before the last steps. So the result does not depend on the start, from which the
  /// choice differs in later digits.
  private func fitChoosing(from start: [Double]?) throws -> Fit {
    let c: Double
    var begin = start.flatMap { $0.allSatisfy(\.isFinite) ? $0 : nil } ?? settings.origin
    var rest = settings
    if objective.columns == 1 {
      // Without features C has no effect.
      c = parameters.c
    } else {
      // The choice by a diagonal is not precise enough to be the same from every start.
      if objective.columns > Objective.explicitColumns { begin = settings.origin }
      let scale =
        (encoding.effectiveRows ?? encoding.masses[0] + encoding.masses[1])
        / (encoding.masses[0] + encoding.masses[1])
      var strength = 1.0
      if begin == settings.origin, let thinning {
        let every = Double(thinning)
        let sample = StrengthChoice(objective: sample(thinning), settings: rough, scale: scale / every)
        // Sums over the sample are scaled to all rows, and so is the strength.
        let result = try sample.run(from: begin, strength: every, precision: 0.05)
        (begin, strength) = (result.beta, result.strength / every)
      }
      let result = try StrengthChoice(objective: objective, settings: settings, scale: scale)
        .run(from: begin, strength: strength)
      c = (1 / result.strength).roundedToThreeDigits
      begin = result.beta
      rest.maxIterations = max(1, settings.maxIterations - result.iterations)
    }
    objective.setStrength(1 / c)
    var fit = try solve(objective, from: begin, rest)
    fit.iterations += settings.maxIterations - rest.maxIterations
    fit.chosenC = c
    return fit
  }

  /// The sampling rates of tiles for the starting fit, sparsest first.
  private static let thinnings = [16, 8, 4]

  /// The optimum of every 16th (8th, 4th) tile of rows, if these are still many compared with the columns. It is within a
  /// few standard errors of the full optimum, so that two or three steps remain, and costs a fraction of the steps saved.
  /// Not used without a penalty: a rare category may be absent from the sample, or separate the outcomes there.
  private func sampled() throws -> [Double]? {
    try thinning.map { try solve(sample($0), from: settings.origin, rough).beta }
  }

  /// The sampling rate for the starting fit; nil if there is none.
  private var thinning: Int? {
    let rows = objective.matrix.rowCount
    guard parameters.penalty != .none, rows >= 1 << 14, objective.columns <= Objective.explicitColumns else {
      return nil
    }
    return Self.thinnings.first { rows / $0 >= 50 * objective.columns }
  }

  private func sample(_ thinning: Int) -> Objective {
    Objective(
      matrix: objective.matrix, encoding: encoding, penalty: objective.penalty, runner: objective.runner,
      every: thinning)
  }

  /// The settings of a fit of a sample.
  private var rough: SolverSettings {
    var rough = settings
    rough.tolerance = 0.1
    rough.maxIterations = 12
    rough.originValue = .infinity
    rough.progress = { _, _ in }
    return rough
  }

  private func solve(_ objective: Objective, from start: [Double], _ settings: SolverSettings) throws -> Fit {
    if !objective.penalty.isSmooth {
      return try ProximalNewton(objective: objective, settings: settings).fit(from: start)
    }
    if objective.columns > Objective.explicitColumns {
      return try NewtonConjugateGradient(objective: objective, settings: settings).fit(from: start)
    }
    return try Newton(objective: objective, settings: settings).fit(from: start)
  }

  /// The shift of the intercept with which the probabilities fit the rows' own weights, without those of the outcomes, while
  /// the slopes are held. The matrix keeps the rows' own weights.
  func refittedIntercept(_ beta: [Double]) throws -> Double {
    var own = encoding
    own.weights = [1, 1]
    objective.matrix.configure(own)
    let refit = InterceptRefit(negatives: own.masses[0], positives: own.masses[1])
    return try refit.shift(from: (encoding.weights[0] / encoding.weights[1]).logarithm) { shift in
      var shifted = beta
      shifted[0] += shift
      // The derivative of the loss by the intercept is Σ w·(p − y).
      return try objective.evaluate(shifted, derivatives: false).gradient[0] + refit.positives
    }
  }

  /// Standard errors at the optimum; nil with an l1 penalty, after a fit that did not converge, and for very many columns.
  /// On separated data those of the separating columns are huge, the others as usual.
  func inference(_ fit: Fit) throws -> Inference? {
    guard objective.penalty.isSmooth, fit.converged || !fit.separated.isEmpty,
      objective.columns <= Objective.explicitColumns
    else {
      return nil
    }
    // A last step this short changes no row's p·(1 − p), and so no standard error, by more than this share of it.
    if fit.hessianDistance > 1e-6 { _ = try objective.evaluate(fit.beta) }
    let factor = try Newton(objective: objective, settings: settings).factored(skipped: fit.skipped)
    var inference = try Inference(
      factor, encoding: encoding, layout: objective.matrix.layout, runner: objective.runner)
    if let rows = encoding.effectiveRows {
      inference.scale(by: ((encoding.masses[0] + encoding.masses[1]) / rows).squareRoot())
    }
    return inference
  }
}

extension Encoding {
  /// The most frequent category of each categorical feature, or that of the largest weight: the reference of the others where no penalty makes the full
  /// set of columns identifiable.
  func references(_ layout: DesignLayout) -> Set<Int> {
    var references: Set<Int> = []
    for case .factor(let index, let first, let levels, _) in layout.slots {
      let counts = levelWeights[index].prefix(levels)
      guard let most = counts.max(), most > 0, let level = counts.firstIndex(of: most) else { continue }
      references.insert(first + level)
    }
    return references
  }
}

extension Double {
  /// The number with three significant digits.
  fileprivate var roundedToThreeDigits: Double { Double(String(format: "%.2e", self)) ?? self }
}

/// Processors that this process may use.
var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }
