/// Fits a logistic regression to all rows of a table and measures it on rows held out from a fit of the same kind.
///
/// Blocks the calling thread and, unless `threads` is 1, works on a pool of its own as well. Results depend on the table
/// and the parameters, not on `threads`; `warmStart` only shortens the way to the same optimum. `isCancelled` is asked
/// every few milliseconds, from any thread.
///
/// - Throws: `LearningError`; `CancellationError` once `isCancelled` returns true.
public func train(
  _ table: TrainingTable, parameters: TrainingParameters, warmStart: LogisticModel? = nil,
  threads: Int? = nil,
  progress: (@Sendable (TrainingProgress) -> Void)? = nil,
  isCancelled: @escaping @Sendable () -> Bool = { false }
) throws -> TrainingResult<LogisticModel> {
  try parameters.validate()
  let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
  let plan = try ValidationPlan(table, parameters, runner)
  return try withTrainer(table, parameters, plan, runner, progress) { try $0.run(warmStart: warmStart) }
}

/// Fits a logistic regression to all rows of a table without measuring it, as `train` does last. A threshold that would
/// be chosen on held-out rows is the default one. Everything else is as for `train`.
public func fit(
  _ table: TrainingTable, parameters: TrainingParameters, warmStart: LogisticModel? = nil,
  threads: Int? = nil,
  progress: (@Sendable (TrainingProgress) -> Void)? = nil,
  isCancelled: @escaping @Sendable () -> Bool = { false }
) throws -> LogisticModel {
  try parameters.validate()
  let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
  var threshold: Double?
  if case .fixed(let value) = parameters.threshold, !parameters.movesThreshold { threshold = value }
  let plan = try ValidationPlan(unmeasured: table.outcomes)
  return try withTrainer(table, parameters, plan, runner, progress) { trainer in
    try trainer.final(
      from: warmStart.map { $0.start(table, layout: trainer.matrix.layout, parameters: parameters) },
      threshold: threshold
    )
    .0
  }
}

/// Prepares the table and calls `body` with a trainer that is valid during the call.
func withTrainer<Result>(
  _ table: TrainingTable, _ parameters: TrainingParameters, _ plan: ValidationPlan, _ runner: BlockRunner,
  _ progress: (@Sendable (TrainingProgress) -> Void)?, _ body: (LinearTrainer) throws -> Result
) throws -> Result {
  try runner.checkCancelled()
  progress?(TrainingProgress(phase: "encoding", fraction: 0, iteration: 0))
  return try ThreadPool.with(threads: runner.threads) { pool in
    var runner = runner
    runner.pool = pool
    return try read(table, parameters, plan, runner, progress, body)
  }
}

private func read<Result>(
  _ table: TrainingTable, _ parameters: TrainingParameters, _ plan: ValidationPlan, _ runner: BlockRunner,
  _ progress: (@Sendable (TrainingProgress) -> Void)?, _ body: (LinearTrainer) throws -> Result
) throws -> Result {
  try table.withPinned(checkpoint: runner.checkCancelled) { pinned in
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
      var plan = plan
      try plan.warnOfDuplicates(table, pinned: pinned, method: parameters.validation, runner: runner)
      return try body(
        LinearTrainer(
          table: table, parameters: parameters, plan: plan, statistics: statistics, runner: runner,
          matrix: DesignMatrix(layout: layout, pinned: pinned, fold: fold), progress: progress))
    }
  }
}

/// Design columns of the largest model, so that the sums over the rows fit into memory.
private let largestDesign = 4_000_000
