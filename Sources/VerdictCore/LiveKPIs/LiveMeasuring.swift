import Learning
import PostgreSQL

/// Measures a model version on the predictions of it that were labelled afterwards.
enum LiveMeasuring {
  /// All KPIs, from the probabilities and outcomes themselves.
  static func kpis(
    _ tenant: TenantID, dataset: Int, version: Int, threshold: Double, in tx: Transaction
  ) async throws -> KPIs {
    let rows = MeasuredRows()
    let query: Query =
      """
      COPY (
        SELECT probability, label FROM labels
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND model_version = \(version)
      ) TO STDOUT (FORMAT binary)
      """
    try await tx.copyOut(query) { stream in
      var reader = BinaryCopyReader()
      while let chunk = try await stream.nextBytes() {
        reader.feed(chunk)
        while try reader.nextRow() {
          rows.add(try reader.decode(0, as: Double.self), try reader.decode(1, as: Bool.self))
        }
      }
      try reader.checkFinished()
    }
    return try KPIs(scores: rows.scores, outcomes: rows.outcomes, threshold: threshold)
  }

  /// What a gate has to go by for a version: counts where they do, so that a gate on the confusion matrix costs no
  /// reading of rows.
  ///
  /// - Parameter recent: what was measured a moment ago; without it, rows are read in any case.
  static func evidence(
    for gate: Gate, _ tenant: TenantID, dataset: Int, version: Int, validation: KPIs,
    recent: RecentMeasurements? = nil, in tx: Transaction
  ) async throws -> GateEvidence {
    var evidence = GateEvidence(validation: validation.value(of: gate.metric))
    guard gate.source == .live else { return evidence }
    let matrix = try await counts(tenant, dataset: dataset, version: version, in: tx)
    evidence.labels = matrix.total
    guard gate.decides(labels: matrix.total), let metric = Metric(rawValue: gate.metric) else {
      return evidence
    }
    if let value = matrix.value(of: metric) {
      evidence.live = value
    } else {
      let measure = {
        try await kpis(
          tenant, dataset: dataset, version: version, threshold: validation.threshold, in: tx
        ).value(of: metric)
      }
      if let recent {
        let subject = RecentMeasurements.Subject(dataset: dataset, version: version, metric: metric)
        evidence.live = try await recent.value(subject, matrix, measuredBy: measure)
      } else {
        evidence.live = try await measure()
      }
    }
    return evidence
  }

  /// The confusion matrix as it is kept.
  private static func counts(
    _ tenant: TenantID, dataset: Int, version: Int, in tx: Transaction
  ) async throws -> ConfusionMatrix {
    let rows = try await tx.query(
      """
      SELECT true_positives, false_positives, true_negatives, false_negatives FROM live_counts
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND model_version = \(version)
      """)
    let (tp, fp, tn, fn) = try rows.first?.decode(Int.self, Int.self, Int.self, Int.self) ?? (0, 0, 0, 0)
    return ConfusionMatrix(truePositive: tp, falsePositive: fp, trueNegative: tn, falseNegative: fn)
  }
}

extension ConfusionMatrix {
  /// A KPI that follows from the matrix alone; `nil` for the others, and where it is undefined.
  fileprivate func value(of metric: Metric) -> Double? {
    switch metric {
    case .accuracy: accuracy
    case .balancedAccuracy: balancedAccuracy
    case .precision: precision
    case .recall: recall
    case .specificity: specificity
    case .f1: f1
    case .mcc: mcc
    default: nil
    }
  }
}

/// Probabilities and outcomes while they come in. Used by the one task that reads them.
private final class MeasuredRows: @unchecked Sendable {
  // Sound: the closure of `copyOut` runs once, and what it leaves is read after it has returned.
  var scores: [Double] = []
  var outcomes: [UInt8] = []

  func add(_ score: Double, _ outcome: Bool) {
    scores.append(score)
    outcomes.append(outcome ? 1 : 0)
  }
}
