import Learning
import PostgreSQL

/// Keeps `live_counts` exact, and sees to it that the servers are notified when the live KPIs of a dataset cross its gate.
enum LiveCounting {
  /// Adds a change, after the labels of the transaction and before their counts (``LabelCounting``). All transactions
  /// lock these rows in that order.
  ///
  /// - Parameter gates: where a gate is evaluated after the transaction, if that takes long.
  static func add(
    _ change: LiveChange, _ tenant: TenantID, _ dataset: Dataset, gates: Database?, in tx: Transaction
  ) async throws {
    guard !change.isEmpty else { return }
    let matrices = change.matrices.sorted { $0.key < $1.key }
    // Ordered by version in every transaction, so that two of them cannot deadlock.
    try await tx.query(
      """
      INSERT INTO live_counts AS c (tenant_id, dataset_id, model_version, true_positives, false_positives,
                                    true_negatives, false_negatives)
      SELECT \(tenant), \(dataset.id), * FROM unnest(
        \(matrices.map { Int32($0.key) })::int[], \(matrices.map(\.value.truePositive))::bigint[],
        \(matrices.map(\.value.falsePositive))::bigint[], \(matrices.map(\.value.trueNegative))::bigint[],
        \(matrices.map(\.value.falseNegative))::bigint[])
      ORDER BY 3
      ON CONFLICT (tenant_id, dataset_id, model_version) DO UPDATE SET
        true_positives = c.true_positives + excluded.true_positives,
        false_positives = c.false_positives + excluded.false_positives,
        true_negatives = c.true_negatives + excluded.true_negatives,
        false_negatives = c.false_negatives + excluded.false_negatives
      """)
    guard let gate = dataset.settings.gate, gate.source == .live else { return }
    if let gates, try await readsManyRows(gate, tenant, dataset, in: tx) {
      tx.onCompletion { mayBeCommitted in
        if mayBeCommitted { gates.liveGates.request(tenant, dataset: dataset.id, in: gates) }
      }
    } else {
      try await LiveGate.evaluate(tenant, dataset.id, change, in: tx)
    }
  }

  /// Whether the gate compares a KPI of so many predictions that they are not read, or not counted, in the transaction of a label.
  private static func readsManyRows(
    _ gate: Gate, _ tenant: TenantID, _ dataset: Dataset, in tx: Transaction
  ) async throws -> Bool {
    guard LiveMeasuring.dependsOnUnknown(gate.metric), let version = dataset.activeVersion else {
      return false
    }
    let matrix = try await LiveMeasuring.counts(tenant, dataset: dataset.id, version: version, in: tx)
    guard gate.decides(labels: matrix.total) else { return false }
    let most = LiveGateEvaluator.rowsAtOnce
    if gate.metric.needsRows, matrix.total > most { return true }
    return try await UnknownOutcomes.areMany(
      tenant, dataset: dataset.id, version: version, than: most, in: tx)
  }
}
