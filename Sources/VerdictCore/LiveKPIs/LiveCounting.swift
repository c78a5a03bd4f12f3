import Learning
import PostgreSQL

/// Keeps `live_counts` exact, and notifies the servers when the live KPIs of a dataset cross its gate.
enum LiveCounting {
  /// Adds a change, after the labels of the transaction and before their counts (``LabelCounting``). All transactions
  /// lock these rows in that order.
  static func add(
    _ change: LiveChange, _ tenant: TenantID, _ dataset: Dataset, in tx: Transaction
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
    if dataset.settings.gate?.source == .live { try await evaluateGate(tenant, dataset.id, change, in: tx) }
  }

  /// Compares the live KPIs with the gate. A result that differs from the last one changes the dataset's revision, since
  /// predictions depend on it.
  ///
  /// The dataset's row stays locked until the transaction ends, so that the next comparison sees this one, and a
  /// concurrent activation is either seen here or sees these counts.
  private static func evaluateGate(
    _ tenant: TenantID, _ dataset: Int, _ change: LiveChange, in tx: Transaction
  ) async throws {
    let rows = try await tx.query(
      """
      SELECT d.gate, d.active_version, d.live_verdict, d.live_verdict_revision IS NOT DISTINCT FROM d.revision, k.kpis
      FROM datasets d
      JOIN kpis k ON k.tenant_id = d.tenant_id AND k.dataset_id = d.id AND k.model_version = d.active_version
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset) FOR NO KEY UPDATE OF d
      """)
    guard let row = rows.first else { return }
    let (gate, version, known, isCurrent, kpis) = try row.decode(
      JSONB?.self, Int.self, Bool?.self, Bool.self, JSONB.self)
    guard let gate = try gate?.decode(Gate.self), gate.source == .live, change.matrices[version] != nil else {
      return
    }
    let evidence = try await LiveMeasuring.evidence(
      for: gate, tenant, dataset: dataset, version: version, validation: try kpis.decode(KPIs.self), in: tx)
    let verdict = (try? gate.check(evidence, modelVersion: version)) != nil
    guard !isCurrent || known != verdict else { return }
    try await tx.query(
      """
      UPDATE datasets SET revision = revision + 1, live_verdict = \(verdict), live_verdict_revision = revision + 1
      WHERE tenant_id = \(tenant) AND id = \(dataset)
      """)
    try await DatasetChanges.announce(tenant, dataset: dataset, in: tx)
  }
}
