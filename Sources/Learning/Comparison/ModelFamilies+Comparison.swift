extension ModelFamilies {
  /// Compares two sets of parameters: both are fitted to the same parts of a table and measured on the same rows held out, as the
  /// challenger's validation says.
  ///
  /// A model that was fitted to all rows cannot be measured on them; its parameters can. Parameters that fit alike are fitted once.
  /// Blocks the calling thread, as ``train(_:parameters:warmStart:threads:progress:isCancelled:)`` does. Besides what a training
  /// works with, it takes up to ``comparisonBytes`` of memory for each row.
  ///
  /// - Parameters:
  ///   - table: the rows with their outcomes.
  ///   - champion: the parameters in use.
  ///   - challenger: the parameters that may replace them.
  ///   - warmStarts: models to start from, of both parameters; they only shorten the way.
  ///   - threads: how many threads may work; by default as many as there are processors.
  ///   - progress: called now and then with how far the comparison is.
  ///   - isCancelled: returns true when the comparison is to end.
  /// - Throws: ``LearningError``; ``UnknownStoredName``; `CancellationError` once `isCancelled` returns true.
  public func compare(
    _ table: TrainingTable, champion: TrainingParameters, challenger: TrainingParameters,
    warmStarts: (champion: (any BinaryClassifier)?, challenger: (any BinaryClassifier)?) = (nil, nil),
    threads: Int? = nil, progress: (@Sendable (TrainingProgress) -> Void)? = nil,
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) throws -> PairedComparison {
    let checkpoint = { if isCancelled() { throw CancellationError() } }
    let split = try ValidationSplit(table, parameters: challenger, checkpoint: checkpoint)
    func heldOut(
      _ parameters: TrainingParameters, _ warmStart: (any BinaryClassifier)?, from begin: Double
    ) throws -> HeldOutPredictions {
      try parameters.validate()
      var scaled: (@Sendable (TrainingProgress) -> Void)?
      if let progress {
        scaled = { step in
          progress(
            TrainingProgress(
              phase: "comparing", fraction: begin + 0.45 * step.fraction, fold: step.fold,
              iteration: step.iteration, objective: step.objective))
        }
      }
      if parameters.family == .auto {
        let runner = BlockRunner(threads: threads ?? processorCount, isCancelled: isCancelled)
        return try AutoTrainer.with(table, parameters, split.plan, runner, scaled) { trainer in
          let (scores, thresholds) = try trainer.outOfFold()
          return try trainer.linear.measurement.heldOut(scores, thresholds)
        }
      }
      let family = try type(named: parameters.family.rawValue)
      return try family.heldOut(
        table, parameters: parameters, split: split, warmStart: warmStart, threads: threads, progress: scaled,
        isCancelled: isCancelled)
    }
    let second = try heldOut(challenger, warmStarts.challenger, from: 0)
    let first =
      try champion.fitsLike(challenger) ? second : heldOut(champion, warmStarts.champion, from: 0.45)
    progress?(TrainingProgress(phase: "comparing", fraction: 0.9, iteration: 0))
    let rows = split.measuredRows
    let attributes = table.attributes
    let comparison = try PairedComparison(
      PairedRows(
        outcomes: rows.map { table.outcomes[$0] }, champion: first, challenger: second,
        weights: attributes.weights.map { weights in rows.map { weights[$0] } },
        clusters: attributes.groups.map { groups in rows.map { groups[$0] } }),
      checkpoint: checkpoint)
    progress?(TrainingProgress(phase: "comparing", fraction: 1, iteration: 0))
    return comparison
  }

  /// The memory of a comparison in bytes a row, beside that of a training.
  public static let comparisonBytes = 32
}

extension TrainingParameters {
  /// Whether fits with both parameters are the same on the same rows: all members are equal but those that say which rows are
  /// measured.
  public func fitsLike(_ other: TrainingParameters) -> Bool {
    var aligned = other
    (aligned.validation, aligned.seed) = (validation, seed)
    return aligned == self
  }
}
