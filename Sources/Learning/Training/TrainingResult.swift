/// What a training comes back with.
public struct TrainingResult: Sendable {
  /// Fitted on all rows.
  public var model: LogisticModel
  /// Measured on held-out rows.
  public var kpis: KPIs
  /// Drawn on the same rows.
  public var curves: Curves
  /// What the owner should know of.
  public var warnings: [TrainingWarning]
}

/// Fits a logistic regression to all rows of a table and measures it on rows held out from a fit of the same kind.
///
/// Works on the calling thread and, unless `threads` is 1, on Dispatch's; call it where blocking does no harm.
/// Results depend on the table and the parameters, not on `threads`; `warmStart` only shortens the way to the same
/// optimum. `isCancelled` is asked every few milliseconds, from any thread; if it says so, `CancellationError` is
/// thrown. Otherwise throws `LearningError`.
public func train(
  _ table: TrainingTable, parameters: TrainingParameters, warmStart: LogisticModel? = nil,
  threads: Int? = nil,
  progress: (@Sendable (TrainingProgress) -> Void)? = nil,
  isCancelled: @escaping @Sendable () -> Bool = { false }
) throws -> TrainingResult {
  try parameters.validate()
  let plan = try ValidationPlan(
    outcomes: table.outcomes, method: parameters.validation, seed: parameters.seed)
  let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
  try runner.checkCancelled()
  progress?(TrainingProgress(phase: "encoding", fraction: 0, iteration: 0))
  return try table.withPinned { pinned in
    try plan.folds.withPointer { fold in
      let statistics = try TableStatistics(table, pinned: pinned, folds: plan.folds, runner: runner)
      let layout = DesignLayout(table, statistics: statistics)
      guard layout.columns <= largestDesign else {
        throw LearningError.tooLarge(
          detail: """
            The features have \(layout.columns) numbers and categories in all; \(largestDesign) are the most that a \
            model can have.
            """)
      }
      let trainer = Trainer(
        table: table, parameters: parameters, plan: plan, statistics: statistics, runner: runner,
        matrix: DesignMatrix(layout: layout, pinned: pinned, fold: fold), progress: progress)
      return try trainer.run(warmStart: warmStart)
    }
  }
}

/// Design columns of the largest model, so that the sums over the rows fit into memory.
private let largestDesign = 4_000_000
