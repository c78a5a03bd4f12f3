import Learning
import PostgreSQL

/// Measures a model version on its predictions that were labelled afterwards.
enum LiveMeasuring {
  /// Returns all KPIs, computed from the probabilities and outcomes of the rows.
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

  /// The measured values that a gate compares for a version. Rows are read for a metric that needs them alone; the
  /// others follow from the counts.
  ///
  /// - Parameter recent: measurements of the last second; without it, rows that are needed are read in any case.
  static func evidence(
    for gate: Gate, _ tenant: TenantID, dataset: Int, version: Int, validation: KPIs,
    recent: RecentMeasurements? = nil, in tx: Transaction
  ) async throws -> GateEvidence {
    let metric = gate.metric
    var evidence = GateEvidence(validation: validation[metric])
    guard gate.source == .live else { return evidence }
    let matrix = try await counts(tenant, dataset: dataset, version: version, in: tx)
    evidence.labels = matrix.total
    guard gate.decides(labels: matrix.total) else { return evidence }
    guard metric.needsRows else {
      evidence.live = KPIs(matrix, threshold: validation.threshold)[metric]
      return evidence
    }
    let measure = {
      try await kpis(tenant, dataset: dataset, version: version, threshold: validation.threshold, in: tx)[
        metric]
    }
    if let recent {
      let subject = RecentMeasurements.Subject(dataset: dataset, version: version, metric: metric)
      evidence.live = try await recent.value(subject, matrix, measuredBy: measure)
    } else {
      evidence.live = try await measure()
    }
    return evidence
  }

  /// The stored confusion matrix.
  static func counts(
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

/// Collects the probabilities and outcomes of a COPY. Used by one task.
private final class MeasuredRows: @unchecked Sendable {
  // Sound: the closure of `copyOut` runs once, and its result is read after it has returned.
  var scores: [Double] = []
  var outcomes: [UInt8] = []

  func add(_ score: Double, _ outcome: Bool) {
    scores.append(score)
    outcomes.append(outcome ? 1 : 0)
  }
}
