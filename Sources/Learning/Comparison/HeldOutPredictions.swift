/// The predictions of a model for the rows that were held out from its fit, in the order of the rows.
public struct HeldOutPredictions: Sendable, Equatable {
  /// The probability of outcome 1 of each row, 0…1.
  public var scores: [Double]
  /// The decision about each row, 0 or 1.
  public var decisions: [UInt8]

  /// Creates predictions; see the properties.
  public init(scores: [Double], decisions: [UInt8]) {
    self.scores = scores
    self.decisions = decisions
  }

  /// Predictions that are decided by one threshold.
  public init(scores: [Double], threshold: Double) {
    self.init(scores: scores, decisions: scores.map { $0 >= threshold ? 1 : 0 })
  }
}

extension LinearTrainer {
  /// Predicts the rows of each measured fold with a fit of the others.
  func heldOut(warmStart: LogisticModel?) throws -> HeldOutPredictions {
    let (scores, thresholds, _) = try outOfFold(warmStart)
    return try measurement.heldOut(scores, thresholds)
  }
}

extension HeldOutMeasurement {
  /// The predictions of the rows that were held out.
  ///
  /// Thresholds are those of a training: fixed, moved with the intercept of each fit, or chosen on the rows held out.
  ///
  /// - Parameters:
  ///   - scores: the score of each row of the table.
  ///   - thresholds: the default threshold of the fit for each fold.
  func heldOut(_ scores: [Double], _ thresholds: [Double]) throws -> HeldOutPredictions {
    let rows = ValidationSplit(plan: plan).measuredRows
    let measured = rows.map { scores[$0] }
    if parameters.movesThreshold {
      let folds = plan.folds.folds
      return HeldOutPredictions(
        scores: measured, decisions: rows.map { scores[$0] >= thresholds[Int(folds[$0])] ? 1 : 0 })
    }
    try runner.checkCancelled()
    let usual = plan.measured.reduce(0) { $0 + thresholds[$1] } / Double(max(1, plan.measured.count))
    let ranking = ScoreRanking(
      scores: measured, outcomes: rows.map { table.outcomes[$0] },
      weights: table.attributes.weights.map { weights in rows.map { weights[$0] } })
    let choice = ThresholdChoice(parameters.threshold, ranking: ranking, usual: usual)
    return HeldOutPredictions(scores: measured, threshold: choice.threshold)
  }
}

extension ValidationSplit {
  init(plan: ValidationPlan) { self.plan = plan }
}
