/// Trains a linear model: one fit for each measured fold, the measurement, and the fit on all rows.
struct LinearTrainer {
  let table: TrainingTable
  let parameters: TrainingParameters
  let plan: ValidationPlan
  let statistics: TableStatistics
  let runner: BlockRunner
  let matrix: DesignMatrix
  let progress: (@Sendable (TrainingProgress) -> Void)?

  private var layout: DesignLayout { matrix.layout }

  func run(warmStart: LogisticModel?) throws -> TrainingResult<LogisticModel> {
    var start = warmStart.map { $0.start(table, layout: layout) }
    var scores = [Double](repeating: 0, count: table.rowCount)
    for (step, fold) in plan.measured.enumerated() {
      let encoding = encoding(excluding: fold)
      let solver = try solver(encoding, step: step)
      let fit = try solver.fit(from: start.map { encoding.standardized($0, layout: layout) })
      try solver.objective.predict(fit.beta, only: fold, into: &scores)
      // A fit that did not converge is no warm start.
      start = fit.converged ? encoding.original(fit.beta, layout: layout) : nil
    }
    progress?(TrainingProgress(phase: "measuring", fraction: fraction(plan.measured.count, 0), iteration: 0))
    var warnings = plan.warnings
    let (kpis, curves) = try measure(consume scores, &warnings)
    let (model, found) = try final(from: start, threshold: kpis.threshold)
    return TrainingResult(model: model, kpis: kpis, curves: curves, warnings: warnings + found)
  }

  /// Fits all rows.
  ///
  /// - Parameter start: coefficients on the original scale.
  func final(from start: [Double]?, threshold: Double) throws -> (LogisticModel, [TrainingWarning]) {
    let encoding = encoding(excluding: nil)
    let solver = try solver(encoding, step: plan.measured.count)
    let fit = try solver.fit(from: start.map { encoding.standardized($0, layout: layout) })
    let model = LogisticModel(
      fit, table: table, encoding: encoding, layout: layout, parameters: parameters, threshold: threshold,
      inference: try solver.inference(fit), references: solver.references,
      penalty: solver.objective.penalty)
    let warnings = model.warnings(separated: separated(fit))
    progress?(TrainingProgress(phase: "fitting", fraction: 1, iteration: fit.iterations))
    return (model, warnings)
  }

  /// The names of the features that separate the outcomes.
  private func separated(_ fit: Fit) -> [String] {
    zip(layout.slots, table.names).compactMap { slot, name in
      let columns: [Int] =
        switch slot {
        case .numeric(_, let column, let indicator): [column, indicator ?? column]
        case .factor(_, let first, let levels, let missing):
          Array(first..<(first + levels)) + [missing ?? first]
        }
      return columns.contains { fit.separated.contains($0) } ? name : nil
    }
  }

  private func encoding(excluding fold: Int?) -> Encoding {
    Encoding(
      statistics: statistics, rows: plan.rows, excluded: fold,
      balanced: parameters.classWeight == .balanced)
  }

  private func solver(_ encoding: Encoding, step: Int) throws -> LinearSolver {
    let isFinal = step == plan.measured.count
    let fold = isFinal ? nil : step + 1
    let report: (Int, Double) -> Void = { iteration, objective in
      progress?(
        TrainingProgress(
          phase: isFinal ? "fitting" : "validating", fraction: fraction(step, iteration), fold: fold,
          iteration: iteration, objective: objective))
    }
    return try LinearSolver(
      matrix: matrix, encoding: encoding, parameters: parameters, runner: runner, progress: report)
  }

  /// Progress in which all fits count the same. The number of steps is unknown, so each step takes a third of the rest.
  private func fraction(_ step: Int, _ iteration: Int) -> Double {
    var rest = 1.0
    for _ in 0..<min(iteration, 40) { rest *= 2.0 / 3 }
    return 0.05 + 0.95 * (Double(step) + 1 - rest) / Double(plan.measured.count + 1)
  }

  /// Measures the scores of held-out rows; consumes the scores, so that their memory can be reused.
  private func measure(
    _ scores: consuming [Double], _ warnings: inout [TrainingWarning]
  ) throws -> (KPIs, Curves) {
    let checkpoint = { try runner.checkCancelled() }
    let keys = try keys(scores)
    scores = []
    let ranking = try ScoreRanking(keys: keys, checkpoint: checkpoint)
    try checkpoint()
    let choice = ThresholdChoice(parameters.threshold, ranking: ranking)
    if let warning = choice.warning { warnings.append(warning) }
    try checkpoint()
    var kpis = try KPIs(ranking, threshold: choice.threshold, checkpoint: checkpoint)
    kpis.setFitted(positives: plan.sizes[1], negatives: plan.sizes[0])
    try checkpoint()
    return (kpis, try Curves(ranking, checkpoint: checkpoint))
  }

  /// The sort keys of the measured rows.
  private func keys(_ scores: [Double]) throws -> [UInt64] {
    var isMeasured = [Bool](repeating: false, count: plan.folds.count)
    for fold in plan.measured { isMeasured[fold] = true }
    var keys: [UInt64] = []
    keys.reserveCapacity(plan.measured.reduce(0) { $0 + plan.rows[$1].reduce(0, +) })
    for block in BlockRunner.blocks(rows: table.rowCount, size: 1 << 20) {
      try runner.checkCancelled()
      for row in block where isMeasured[Int(plan.folds.folds[row])] {
        keys.append(ScoreRanking.key(score: scores[row], outcome: table.outcomes[row]))
      }
    }
    return keys
  }
}
