extension AdditiveModel: BinaryClassifier {
  /// Fits and measures an additive model. Every fit finds its smoothness anew, so that a model to start from would shorten nothing.
  public static func train(
    _ table: TrainingTable, parameters: TrainingParameters, warmStart: (any BinaryClassifier)?, threads: Int?,
    progress: (@Sendable (TrainingProgress) -> Void)?, isCancelled: @escaping @Sendable () -> Bool
  ) throws -> TrainingResult<AdditiveModel> {
    try parameters.validate()
    let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
    let plan = try ValidationPlan(table, parameters, runner)
    return try withTrainer(table, parameters, plan, runner, progress) { try $0.run() }
  }

  /// Fits the measured parts of a split.
  public static func heldOut(
    _ table: TrainingTable, parameters: TrainingParameters, split: ValidationSplit,
    warmStart: (any BinaryClassifier)?, threads: Int?, progress: (@Sendable (TrainingProgress) -> Void)?,
    isCancelled: @escaping @Sendable () -> Bool
  ) throws -> HeldOutPredictions {
    let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
    return try withTrainer(table, parameters, split.plan, runner, progress) { trainer in
      let (scores, thresholds) = try trainer.outOfFold()
      return try trainer.measurement.heldOut(scores, thresholds)
    }
  }

  /// Fits a model to all rows of a table without measuring it, as
  /// ``train(_:parameters:warmStart:threads:progress:isCancelled:)`` does last. A threshold that would be chosen on held-out rows is the
  /// default one.
  public static func fit(
    _ table: TrainingTable, parameters: TrainingParameters, threads: Int? = nil,
    progress: (@Sendable (TrainingProgress) -> Void)? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> AdditiveModel {
    try parameters.validate()
    let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
    var threshold: Double?
    if case .fixed(let value) = parameters.threshold, !parameters.movesThreshold { threshold = value }
    let plan = try ValidationPlan(unmeasured: table.outcomes)
    return try withTrainer(table, parameters, plan, runner, progress) { try $0.final(threshold: threshold).0 }
  }

  /// Prepares the work and calls `body` with a trainer.
  private static func withTrainer<Result>(
    _ table: TrainingTable, _ parameters: TrainingParameters, _ plan: ValidationPlan, _ runner: BlockRunner,
    _ progress: (@Sendable (TrainingProgress) -> Void)?, _ body: (AdditiveTrainer) throws -> Result
  ) throws -> Result {
    try runner.checkCancelled()
    progress?(TrainingProgress(phase: "encoding", fraction: 0, iteration: 0))
    return try ThreadPool.with(threads: runner.threads) { pool in
      var runner = runner
      runner.pool = pool
      var plan = plan
      try table.withPinned(checkpoint: runner.checkCancelled) { pinned in
        try plan.warnOfDuplicates(table, pinned: pinned, method: parameters.validation, runner: runner)
      }
      return try body(
        AdditiveTrainer(table: table, parameters: parameters, plan: plan, runner: runner, progress: progress))
    }
  }
}
