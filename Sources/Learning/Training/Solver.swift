import Dispatch
import Foundation

/// The way to the optimum for one fit: which solver, from where, and what its result is worth.
struct Solver {
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
    settings = SolverSettings(
      tolerance: parameters.tolerance, maxIterations: parameters.maxIterations,
      skipped: (0..<layout.columns).map { [references] in references.contains($0) }, progress: progress)
  }

  /// Finds the optimum from a place given (standardised scale), or from the model without features.
  func fit(from start: [Double]?) throws -> Fit {
    var origin = [Double](repeating: 0, count: objective.columns)
    origin[0] = encoding.logOdds
    guard var start, start.allSatisfy(\.isFinite) else { return try solve(from: origin) }
    for column in references { start[column] = 0 }
    return try solve(from: start)
  }

  private func solve(from start: [Double]) throws -> Fit {
    if !objective.penalty.isSmooth {
      return try ProximalNewton(objective: objective, settings: settings).fit(from: start)
    }
    if objective.columns > Objective.explicitColumns {
      return try NewtonConjugateGradient(objective: objective, settings: settings).fit(from: start)
    }
    return try Newton(objective: objective, settings: settings).fit(from: start)
  }

  /// Standard errors at the optimum; nil with an l1 penalty, after a fit that reached no end, and for very many
  /// columns. On separated data those of the columns concerned are huge, the others as usual.
  func inference(_ fit: Fit) throws -> Inference? {
    guard objective.penalty.isSmooth, fit.converged || !fit.separated.isEmpty,
      objective.columns <= Objective.explicitColumns
    else {
      return nil
    }
    _ = try objective.evaluate(fit.beta)
    let factor = try Newton(objective: objective, settings: settings).factored(skipped: fit.skipped)
    return try Inference(
      factor, encoding: encoding, layout: objective.matrix.layout, runner: objective.runner)
  }
}

extension Encoding {
  /// The most frequent category of each categorical feature, which the others are measured against where no penalty
  /// makes the full set of columns work.
  func references(_ layout: DesignLayout) -> Set<Int> {
    var references: Set<Int> = []
    for case .factor(let index, let first, let levels, _) in layout.slots {
      let counts = factors[index].prefix(levels)
      guard let most = counts.max(), most > 0, let level = counts.firstIndex(of: most) else { continue }
      references.insert(first + level)
    }
    return references
  }
}

/// Processors that this process may use.
var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }
