import Learning
import PostgreSQL

/// Compares the live KPIs of a dataset with its gate. A result that differs from the last one changes the dataset's revision, since
/// predictions depend on it, and notifies the servers.
enum LiveGate {
  /// The facts on which a decision is based.
  private struct Subject {
    var gate: Gate
    var outcomeAfterDays: Int?
    var version: Int
    var validation: KPIs
    /// The last decision, and whether the dataset has changed since.
    var known: Bool?
    var isCurrent: Bool
  }

  /// Decides with the dataset's row locked until the transaction ends, so that the next decision sees this one, and a
  /// concurrent activation is either seen here or sees these counts.
  static func evaluate(_ tenant: TenantID, _ dataset: Int, _ change: LiveChange, in tx: Transaction)
    async throws
  {
    guard let subject = try await read(tenant, dataset, lock: true, in: tx),
      change.matrices[subject.version] != nil
    else { return }
    try await record(try await decide(subject, tenant, dataset, in: tx), subject, tenant, dataset, in: tx)
  }

  /// Decides without a lock and locks the dataset's row only to record the result.
  ///
  /// - Returns: false if the gate or the active model has changed meanwhile.
  static func evaluateUnlocked(_ tenant: TenantID, _ dataset: Int, in tx: Transaction) async throws -> Bool {
    guard let subject = try await read(tenant, dataset, lock: false, in: tx) else { return true }
    let verdict = try await decide(subject, tenant, dataset, in: tx)
    guard let now = try await read(tenant, dataset, lock: true, in: tx), now.gate == subject.gate,
      now.version == subject.version, now.outcomeAfterDays == subject.outcomeAfterDays
    else { return false }
    if !(try await record(verdict, now, tenant, dataset, in: tx)), !verdict {
      // A server may have loaded the dataset at a moment when the labels passed the gate.
      try await DatasetChanges.announce(tenant, dataset: dataset, in: tx)
    }
    return true
  }

  /// The dataset's live gate and active model; `nil` without one of them.
  private static func read(
    _ tenant: TenantID, _ dataset: Int, lock: Bool, in tx: Transaction
  ) async throws -> Subject? {
    let rows = try await tx.query(
      """
      SELECT d.gate, d.outcome_after_days, d.active_version, d.live_verdict,
             d.live_verdict_revision IS NOT DISTINCT FROM d.revision, k.kpis
      FROM datasets d
      JOIN kpis k ON k.tenant_id = d.tenant_id AND k.dataset_id = d.id AND k.model_version = d.active_version
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset) \(unescaped: lock ? "FOR NO KEY UPDATE OF d" : "")
      """)
    guard let row = rows.first else { return nil }
    let (gate, outcomeAfterDays, version, known, isCurrent, kpis) = try row.decode(
      JSONB?.self, Int?.self, Int.self, Bool?.self, Bool.self, JSONB.self)
    guard let gate = try gate?.decode(Gate.self), gate.source == .live else { return nil }
    return Subject(
      gate: gate, outcomeAfterDays: outcomeAfterDays, version: version,
      validation: try kpis.decode(KPIs.self), known: known, isCurrent: isCurrent)
  }

  private static func decide(
    _ subject: Subject, _ tenant: TenantID, _ dataset: Int, in tx: Transaction
  ) async throws -> Bool {
    let evidence = try await LiveMeasuring.evidence(
      for: subject.gate, outcomeAfterDays: subject.outcomeAfterDays, tenant, dataset: dataset,
      version: subject.version, validation: subject.validation,
      in: tx)
    return (try? subject.gate.check(evidence, modelVersion: subject.version)) != nil
  }

  /// Records a decision that differs from the last one.
  ///
  /// - Returns: whether it differs.
  @discardableResult
  private static func record(
    _ verdict: Bool, _ subject: Subject, _ tenant: TenantID, _ dataset: Int, in tx: Transaction
  ) async throws -> Bool {
    guard !subject.isCurrent || subject.known != verdict else { return false }
    try await tx.query(
      """
      UPDATE datasets SET revision = revision + 1, live_verdict = \(verdict), live_verdict_revision = revision + 1
      WHERE tenant_id = \(tenant) AND id = \(dataset)
      """)
    try await DatasetChanges.announce(tenant, dataset: dataset, in: tx)
    return true
  }
}
