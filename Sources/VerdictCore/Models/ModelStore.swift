import Foundation
package import Learning
package import PostgreSQL
import RowFormats

/// Stores the models of datasets and the history of their KPIs.
package struct ModelStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let turns: ModelTurns

  /// The models in `database`.
  ///
  /// - Parameters:
  ///   - database: where the models are stored.
  ///   - turns: limits the number of large models that are decoded at the same time.
  package init(database: Database, turns: ModelTurns = .process) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.turns = turns
  }

  /// The models of a dataset, newest first, below the version `cursor`, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func list(
    _ tenant: TenantID, dataset name: String, before cursor: Int?, limit: Int
  ) async throws -> [ModelSummary] {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await tx.query(
        Self.select(Self.summaryColumns)
          + """
          WHERE m.tenant_id = \(tenant) AND m.dataset_id = \(dataset.id) AND m.version < \(cursor ?? Int(Int32.max))
          ORDER BY m.version DESC LIMIT \(limit)
          """
      ).map(Self.summary)
    }
  }

  /// One version of a dataset's models.
  ///
  /// - Throws: as ``withModel(_:dataset:version:_:)``.
  package func model(
    _ tenant: TenantID, dataset name: String, version: Int
  ) async throws -> ModelRecord {
    try await withModel(tenant, dataset: name, version: version) { $0 }
  }

  /// Runs the closure with one version of a dataset's models.
  ///
  /// No connection is held meanwhile. A large model is read, decoded and used in a turn of the tenant, on a thread of its
  /// own.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``ModelTurns/Busy``, what `body` throws.
  package func withModel<T: Sendable>(
    _ tenant: TenantID, dataset name: String, version: Int,
    _ body: @escaping @Sendable (ModelRecord) throws -> T
  ) async throws -> T {
    let small = try await stored(
      tenant, dataset: name, version: version, atMost: ModelTurns.largeModel - 1)
    if let record = try small.record() { return try body(record) }
    return try await turns.withTurn(for: tenant, .request) {
      let large = try await stored(tenant, dataset: name, version: version, atMost: .max)
      let size = large.model?.bytes.count ?? 0
      defer { ModelTurns.decoded(size) }
      return try await BackgroundThreads.models.run {
        guard let record = try large.record() else { throw DomainError.notFound(what: "model \(version)") }
        return try body(record)
      }
    }
  }

  /// One version in its stored form; without the model if that is larger than `size` bytes.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  private func stored(
    _ tenant: TenantID, dataset name: String, version: Int, atMost size: Int
  ) async throws -> StoredModelRecord {
    try await database.transaction(for: tenant, readOnly: true, within: ModelTurns.readLimit) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      guard
        let record = try await find(tenant, dataset: dataset.id, version: version, atMost: size, in: tx)
      else { throw DomainError.notFound(what: "model \(version)") }
      return record
    }
  }

  /// The curves of one version, on the rows that it was measured on.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func curves(_ tenant: TenantID, dataset name: String, version: Int) async throws -> Curves {
    let curves = try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let rows = try await tx.query(
        """
        SELECT curves FROM models
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND version = \(version)
        """)
      guard let row = rows.first else { throw DomainError.notFound(what: "model \(version)") }
      return try row.decode(JSONB.self)
    }
    return try curves.decode(Curves.self)
  }

  /// One version in its stored form, in the caller's transaction; `nil` if there is none.
  ///
  /// - Parameter size: the largest stored size in bytes with which the model is read, too.
  func find(
    _ tenant: TenantID, dataset: Int, version: Int, atMost size: Int = .max, in tx: some QueryExecutor
  ) async throws -> StoredModelRecord? {
    // The size is that in the table, which PostgreSQL knows without decompressing the model.
    try await tx.query(
      Self.select(
        Self.summaryColumns
          + ", CASE WHEN pg_column_size(m.model) <= \(size) THEN m.model END, \(unescaped: StoredWarnings.expression), "
          + "d.features, m.comparison, d.min_bin_rows"
      )
        + "WHERE m.tenant_id = \(tenant) AND m.dataset_id = \(dataset) AND m.version = \(version)"
    ).first.map(Self.storedRecord)
  }

  /// The part of one version that lists show, in the caller's transaction.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  private func summary(
    _ tenant: TenantID, dataset: Int, version: Int, in tx: some QueryExecutor
  ) async throws -> ModelSummary {
    let rows = try await tx.query(
      Self.select(Self.summaryColumns)
        + "WHERE m.tenant_id = \(tenant) AND m.dataset_id = \(dataset) AND m.version = \(version)")
    guard let row = rows.first else { throw DomainError.notFound(what: "model \(version)") }
    return try Self.summary(row)
  }

  /// Activates a version: promotes it or rolls back to it, and pins it or releases a pin.
  ///
  /// - Parameter pinned: whether no training may replace it.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func activate(
    _ tenant: TenantID, dataset name: String, version: Int, pinned: Bool = false,
    by actor: Actor = .commandLine
  ) async throws -> ModelSummary {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .update, in: tx)
      var activated = try await summary(tenant, dataset: dataset.id, version: version, in: tx)
      guard let (before, _) = try await PromotionStore.state(tenant, dataset: dataset.id, in: tx) else {
        throw DomainError.notFound(what: "dataset \(name)")
      }
      try await PromotionStore.activate(
        tenant, dataset: dataset.id, version: version, pinned: pinned, before: before, because: .manual,
        by: .actor(actor), in: tx)
      try await AuditLog.record(
        tenant, actor, .modelActivated, "dataset \(name)",
        detail: "model \(version)\(pinned ? ", pinned" : "")",
        in: tx)
      (activated.isActive, activated.isPinned) = (true, pinned)
      return activated
    }
  }

  /// Deletes a version that is not active; its KPIs stay in the history.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/modelActive(version:)``.
  package func delete(
    _ tenant: TenantID, dataset name: String, version: Int, by actor: Actor = .commandLine
  ) async throws {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .update, in: tx)
      guard dataset.activeVersion != version else { throw DomainError.modelActive(version: version) }
      let result = try await tx.query(
        """
        DELETE FROM models
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND version = \(version)
        """)
      guard result.affectedRows == 1 else { throw DomainError.notFound(what: "model \(version)") }
      try await AuditLog.record(
        tenant, actor, .modelDeleted, "dataset \(name)", detail: "model \(version)", in: tx)
    }
  }

  /// The KPIs of all trainings of a dataset, oldest first, after the version `cursor`, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func history(
    _ tenant: TenantID, dataset name: String, after cursor: Int?, limit: Int
  ) async throws -> [KPIRecord] {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await tx.query(
        """
        SELECT model_version, job_id, trained_at, trigger, kpis FROM kpis
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND model_version > \(cursor ?? 0)
        ORDER BY model_version LIMIT \(limit)
        """
      ).map { row in
        let (version, jobID, trainedAt, trigger, kpis) = try row.decode(
          Int.self, Int.self, Date.self, String.self, JSONB.self)
        return KPIRecord(
          modelVersion: version, jobID: jobID, trainedAt: trainedAt,
          trigger: TrainingTrigger(rawValue: trigger) ?? .manual, kpis: try kpis.decode(KPIs.self))
      }
    }
  }

  /// Deletes the oldest models beyond `count`, but neither the active one nor the newest, which its job still names. The
  /// caller has locked the dataset's row.
  static func prune(
    _ tenant: TenantID, dataset: Int, active: Int?, keeping count: Int, in tx: Transaction
  ) async throws {
    try await tx.query(
      """
      DELETE FROM models
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND version IS DISTINCT FROM \(active) AND version NOT IN (
        SELECT version FROM models
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND version IS DISTINCT FROM \(active)
        ORDER BY version DESC LIMIT \(count - (active == nil ? 0 : 1)))
        AND version < (SELECT max(version) FROM models WHERE tenant_id = \(tenant) AND dataset_id = \(dataset))
      """)
  }

  /// The columns of ``summary(_:)``. A model of a server before 0.2 has no column `converged` until the maintenance fills it.
  private static let summaryColumns: Query = """
    m.version, m.created_at, m.job_id, m.trigger, m.version IS NOT DISTINCT FROM d.active_version, m.labels_used,
    m.labels_deleted_since, m.erased_labels, coalesce(m.converged, (m.model -> 'converged')::boolean, true), m.parameters, k.kpis,
    coalesce(m.version = d.active_version AND m.version = d.pinned_version, false)
    """

  /// Models with their KPIs; a WHERE clause on `m` follows.
  private static func select(_ columns: Query) -> Query {
    """
    SELECT \(columns)
    FROM models m
    JOIN datasets d ON d.tenant_id = m.tenant_id AND d.id = m.dataset_id
    JOIN kpis k ON k.tenant_id = m.tenant_id AND k.dataset_id = m.dataset_id AND k.model_version = m.version

    """
  }

  private typealias Summary = (Int, Date, Int, String, Bool, Int, Int, Int, Bool, JSONB, JSONB, Bool)

  private static func summary(_ row: Row) throws -> ModelSummary {
    try summary(
      columns: row.decode(
        Int.self, Date.self, Int.self, String.self, Bool.self, Int.self, Int.self, Int.self, Bool.self,
        JSONB.self, JSONB.self, Bool.self))
  }

  private static func summary(columns: Summary) throws -> ModelSummary {
    let (
      version, createdAt, jobID, trigger, active, used, deleted, erased, converged, parameters, kpis, pinned
    ) = columns
    return ModelSummary(
      version: version, createdAt: createdAt, jobID: jobID,
      trigger: TrainingTrigger(rawValue: trigger) ?? .manual, isActive: active, isPinned: pinned,
      labelsUsed: used,
      labelsDeletedSince: deleted, erasedLabels: erased, converged: converged,
      parameters: try parameters.decode(TrainingParameters.self), kpis: try kpis.decode(KPIs.self))
  }

  private static func storedRecord(_ row: Row) throws -> StoredModelRecord {
    let (
      version, createdAt, jobID, trigger, active, used, deleted, erased, converged, parameters, kpis, pinned,
      model, warnings, features, comparison, minBinRows
    ) = try row.decode(
      Int.self, Date.self, Int.self, String.self, Bool.self, Int.self, Int.self, Int.self, Bool.self,
      JSONB.self, JSONB.self, Bool.self, JSONB?.self, JSONB.self, JSONB.self, JSONB?.self, Int.self)
    return StoredModelRecord(
      summary: try summary(
        columns: (
          version, createdAt, jobID, trigger, active, used, deleted, erased, converged, parameters, kpis,
          pinned
        )),
      model: model, warnings: warnings, features: features, comparison: comparison, minBinRows: minBinRows)
  }
}
