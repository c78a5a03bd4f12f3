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
  /// Measures the rows that were held out.
  var measurement: HeldOutMeasurement {
    HeldOutMeasurement(table: table, parameters: parameters, plan: plan, runner: runner)
  }

  func run(warmStart: LogisticModel?) throws -> TrainingResult<LogisticModel> {
    let (scores, thresholds, start) = try outOfFold(warmStart)
    progress?(
      TrainingProgress(phase: "measuring", fraction: plan.fraction(plan.measured.count, 0), iteration: 0))
    var warnings = plan.warnings
    var (kpis, curves) = try measurement.measure(consume scores, thresholds, &warnings)
    let (model, found) = try final(
      from: start, threshold: parameters.movesThreshold ? nil : kpis.threshold)
    kpis.setThreshold(model.threshold)
    return TrainingResult(model: model, kpis: kpis, curves: curves, warnings: warnings + found)
  }

  /// Predicts the rows of each measured fold with a fit of the others.
  ///
  /// - Returns: the score of each row, the default threshold of the fit for each fold, and the coefficients of the last fit on the
  ///   original scale, to start from.
  func outOfFold(
    _ warmStart: LogisticModel?
  ) throws -> (scores: [Double], thresholds: [Double], start: [Double]?) {
    var start = warmStart.map { $0.start(table, layout: layout, parameters: parameters) }
    var scores = [Double](repeating: 0, count: table.rowCount)
    var thresholds = [Double](repeating: TrainingParameters.defaultThreshold, count: plan.folds.count)
    for (step, fold) in plan.measured.enumerated() {
      let part = try fitted(excluding: fold, step: step, from: start)
      try part.predict(only: fold, into: &scores)
      thresholds[fold] = part.defaultThreshold
      // A fit that did not converge is no warm start.
      start = part.fit.converged ? part.encoding.original(part.fit.beta, layout: layout) : nil
    }
    return (scores, thresholds, start)
  }

  /// Fits all rows.
  ///
  /// - Parameters:
  ///   - start: coefficients on the original scale.
  ///   - threshold: the threshold of the model; nil for the default one of its fit.
  func final(from start: [Double]?, threshold: Double?) throws -> (LogisticModel, [TrainingWarning]) {
    let part = try fitted(excluding: nil, step: plan.measured.count, from: start, withInference: true)
    let model = LogisticModel(
      part, table: table, layout: layout, parameters: parameters,
      threshold: threshold ?? part.defaultThreshold)
    let warnings = model.warnings(separated: separated(part.fit))
    progress?(TrainingProgress(phase: "fitting", fraction: 1, iteration: part.fit.iterations))
    return (model, warnings)
  }

  /// Fits the rows of all folds but one, or all rows. Every fit, measured or served, is made here, so that the KPIs are those of
  /// the procedure that predicts.
  func fitted(
    excluding fold: Int?, step: Int, from start: [Double]?, withInference: Bool = false
  ) throws -> LinearFit {
    let encoding = encoding(excluding: fold)
    let solver = try solver(encoding, step: step)
    let fit = try solver.fit(from: start.map { encoding.standardized($0, layout: layout) })
    return LinearFit(
      fit: fit, encoding: encoding, solver: solver,
      inference: withInference ? try solver.inference(fit) : nil,
      // Last, because it gives the rows of the matrix other weights.
      shift: parameters.classWeight == .balanced ? try solver.refittedIntercept(fit.beta) : nil)
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
          phase: isFinal ? "fitting" : "validating", fraction: plan.fraction(step, iteration), fold: fold,
          iteration: iteration, objective: objective))
    }
    return try LinearSolver(
      matrix: matrix, encoding: encoding, parameters: parameters, runner: runner, progress: report)
  }
}
