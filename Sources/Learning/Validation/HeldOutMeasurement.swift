/// The measurement of the rows that were held out, for every family.
struct HeldOutMeasurement {
  let table: TrainingTable
  let parameters: TrainingParameters
  let plan: ValidationPlan
  let runner: BlockRunner

  /// Measures the scores of held-out rows; consumes the scores, so that their memory can be reused.
  func measure(
    _ scores: consuming [Double], _ thresholds: [Double], _ warnings: inout [TrainingWarning]
  ) throws -> (KPIs, Curves) {
    let checkpoint = { try runner.checkCancelled() }
    let (rows, decisions) = try measured(scores, thresholds)
    scores = []
    let ranking = try ScoreRanking(
      keys: rows.keys, weights: rows.weights, groups: rows.groups, checkpoint: checkpoint)
    try checkpoint()
    let usual = plan.measured.reduce(0) { $0 + thresholds[$1] } / Double(max(1, plan.measured.count))
    let choice = ThresholdChoice(parameters.threshold, ranking: ranking, usual: usual)
    if let warning = choice.warning { warnings.append(warning) }
    try checkpoint()
    var kpis = try KPIs(
      ranking, threshold: choice.threshold, decisions: parameters.movesThreshold ? decisions : nil,
      checkpoint: checkpoint)
    kpis.setFitted(positives: plan.sizes[1], negatives: plan.sizes[0])
    try checkpoint()
    return (kpis, try Curves(ranking, checkpoint: checkpoint))
  }

  /// The measured rows, and the decisions of each fold at its own threshold.
  private func measured(
    _ scores: [Double], _ thresholds: [Double]
  ) throws -> (HeldOutRows, MeasuredDecisions) {
    var isMeasured = [Bool](repeating: false, count: plan.folds.count)
    for fold in plan.measured { isMeasured[fold] = true }
    var rows = HeldOutRows(
      table.attributes, capacity: plan.measured.reduce(0) { $0 + plan.rows[$1].reduce(0, +) },
      withDecisions: parameters.movesThreshold)
    for block in BlockRunner.blocks(rows: table.rowCount, size: 1 << 20) {
      try runner.checkCancelled()
      for row in block {
        let fold = Int(plan.folds.folds[row])
        guard isMeasured[fold], !plan.folds.isLeftOut(row) else { continue }
        let (score, outcome) = (scores[row], table.outcomes[row])
        rows.add(row, score: score, outcome: outcome, decision: score >= thresholds[fold])
      }
    }
    return (rows, rows.decisions)
  }
}
