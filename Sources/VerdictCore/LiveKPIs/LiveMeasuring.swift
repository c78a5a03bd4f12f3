import Foundation
import Learning
import PostgreSQL

/// Measures a model version on its predictions that were labelled afterwards, which stand for all of its predictions.
enum LiveMeasuring {
  /// Returns all KPIs, computed from the probabilities and outcomes of the rows.
  ///
  /// - Parameter most: the largest number of predictions that are counted; see ``UnknownOutcomes``.
  static func kpis(
    _ tenant: TenantID, dataset: Int, version: Int, threshold: Double, _ period: UnknownOutcomes.Period,
    counting most: Int, in tx: Transaction
  ) async throws -> LiveKPIs {
    let unknown = try await UnknownOutcomes(
      tenant, dataset: dataset, version: version, period, atMost: most, in: tx)
    let rows = try await labelled(tenant, dataset: dataset, version: version, since: period.since, in: tx)
    let matrix = rows.matrix(threshold: threshold)
    return LiveKPIs(
      kpis: try KPIs(
        scores: rows.scores, outcomes: rows.outcomes, threshold: threshold,
        standingFor: unknown.total(matrix)),
      unlabelled: unknown.unlabelled, tooYoung: unknown.tooYoung, since: period.since)
  }

  /// The labelled predictions of a version.
  private static func labelled(
    _ tenant: TenantID, dataset: Int, version: Int, since: Date?, in tx: Transaction
  ) async throws -> MeasuredRows {
    let rows = MeasuredRows()
    let query: Query =
      """
      COPY (
        SELECT probability, label FROM labels
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND model_version = \(version)
      """ + " " + (since.map { happened(since: $0, tenant, dataset) } ?? "") + ") TO STDOUT (FORMAT binary)"
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
    return rows
  }

  /// The condition that the case of a label happened since a time. Without a time of its own it has that of its prediction; of a
  /// prediction that is gone, the id tells when it was made.
  private static func happened(since: Date, _ tenant: TenantID, _ dataset: Int) -> Query {
    """
    AND coalesce(
      occurred_at >= \(since),
      (SELECT coalesce(p.occurred_at, p.created_at) >= \(since) FROM predictions p
       WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND p.id = labels.prediction_id),
      prediction_id >= \(UUID.lowest(at: since)), created_at >= \(since))
    """
  }

  /// The measured values that a gate compares for a version. Rows are read for a metric that needs them alone; the
  /// others follow from the counts.
  ///
  /// - Parameters:
  ///   - outcomeAfterDays: the setting of the dataset.
  ///   - recent: measurements of the last second; without it, what is needed is read in any case.
  static func evidence(
    for gate: Gate, outcomeAfterDays: Int?, _ tenant: TenantID, dataset: Int, version: Int,
    validation: KPIs, recent: RecentMeasurements? = nil, in tx: Transaction
  ) async throws -> GateEvidence {
    var evidence = GateEvidence(validation: GateMeasurement(gate.metric, of: validation))
    guard gate.source == .live else { return evidence }
    let matrix = try await counts(tenant, dataset: dataset, version: version, in: tx)
    evidence.labels = matrix.total
    guard gate.decides(labels: matrix.total) else { return evidence }
    let measure = {
      try await measurement(
        of: gate.metric, matrix, tenant, dataset: dataset, version: version, threshold: validation.threshold,
        outcomeAfterDays: outcomeAfterDays, in: tx)
    }
    if let recent {
      let subject = RecentMeasurements.Subject(
        dataset: dataset, version: version, metric: gate.metric, outcomeAfterDays: outcomeAfterDays)
      evidence.live = try await recent.value(subject, matrix, measuredBy: measure)
    } else {
      evidence.live = try await measure()
    }
    return evidence
  }

  private static func measurement(
    of metric: Metric, _ matrix: ConfusionMatrix, _ tenant: TenantID, dataset: Int, version: Int,
    threshold: Double, outcomeAfterDays: Int?, in tx: Transaction
  ) async throws -> GateMeasurement {
    guard dependsOnUnknown(metric) else {
      return GateMeasurement(metric, of: KPIs(matrix, threshold: threshold))
    }
    let period = UnknownOutcomes.Period(outcomeAfterDays: outcomeAfterDays)
    let most = UnknownOutcomes.mostForGates
    if metric.needsRows {
      let live = try await kpis(
        tenant, dataset: dataset, version: version, threshold: threshold, period, counting: most, in: tx)
      var measured = GateMeasurement(metric, of: live.kpis)
      measured.reason = live.reason
      return measured
    }
    let unknown = try await UnknownOutcomes(
      tenant, dataset: dataset, version: version, period, atMost: most, in: tx)
    var measured = GateMeasurement(
      metric, of: KPIs(matrix, threshold: threshold, standingFor: unknown.total(matrix)))
    measured.reason = LiveKPIs.reason(matrix, unknown: unknown.unlabelled + unknown.tooYoung)
    return measured
  }

  /// Whether a KPI depends on predictions without a known outcome. Counts do not, nor does precision, which is a share of the
  /// labelled predictions of one decision.
  static func dependsOnUnknown(_ metric: Metric) -> Bool { !metric.isExact && metric != .precision }

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

  /// The decisions at the version's threshold, which never changes, and the outcomes.
  func matrix(threshold: Double) -> ConfusionMatrix {
    var matrix = ConfusionMatrix(truePositive: 0, falsePositive: 0, trueNegative: 0, falseNegative: 0)
    for (score, outcome) in zip(scores, outcomes) {
      switch (score >= threshold, outcome == 1) {
      case (true, true): matrix.truePositive += 1
      case (true, false): matrix.falsePositive += 1
      case (false, true): matrix.falseNegative += 1
      case (false, false): matrix.trueNegative += 1
      }
    }
    return matrix
  }
}
