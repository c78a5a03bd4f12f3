import Foundation
package import Learning
package import PostgreSQL
import RowFormats

/// Stores the models of datasets and the history of their KPIs.
package struct ModelStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore

  /// The models in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
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
  /// - Throws: ``DomainError/notFound(what:)``.
  package func model(
    _ tenant: TenantID, dataset name: String, version: Int
  ) async throws -> ModelRecord {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await model(tenant, dataset: dataset.id, version: version, in: tx)
    }
  }

  /// The curves of one version, on the rows that it was measured on.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func curves(_ tenant: TenantID, dataset name: String, version: Int) async throws -> Curves {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let rows = try await tx.query(
        """
        SELECT curves FROM models
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND version = \(version)
        """)
      guard let row = rows.first else { throw DomainError.notFound(what: "model \(version)") }
      return try row.decode(JSONB.self).decode(Curves.self)
    }
  }

  /// One version, in the caller's transaction.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  func model(
    _ tenant: TenantID, dataset: Int, version: Int, in tx: some QueryExecutor
  ) async throws -> ModelRecord {
    guard let record = try await find(tenant, dataset: dataset, version: version, in: tx) else {
      throw DomainError.notFound(what: "model \(version)")
    }
    return record
  }

  /// One version, in the caller's transaction; `nil` if there is none.
  func find(
    _ tenant: TenantID, dataset: Int, version: Int, in tx: some QueryExecutor
  ) async throws -> ModelRecord? {
    try await tx.query(
      Self.select(Self.summaryColumns + ", m.model, m.warnings, d.features")
        + "WHERE m.tenant_id = \(tenant) AND m.dataset_id = \(dataset) AND m.version = \(version)"
    ).first.map(Self.record)
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

  /// Activates a version: promotes it or rolls back to it.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func activate(
    _ tenant: TenantID, dataset name: String, version: Int, by actor: Actor = .commandLine
  ) async throws -> ModelSummary {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .update, in: tx)
      var activated = try await summary(tenant, dataset: dataset.id, version: version, in: tx)
      try await Self.setActive(tenant, dataset: dataset.id, version: version, in: tx)
      try await AuditLog.record(
        tenant, actor, .modelActivated, "dataset \(name)", detail: "model \(version)", in: tx)
      activated.isActive = true
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

  /// Activates a version and notifies every server.
  static func setActive(
    _ tenant: TenantID, dataset: Int, version: Int, in tx: some QueryExecutor
  ) async throws {
    try await tx.query(
      """
      UPDATE datasets SET active_version = \(version), revision = revision + 1
      WHERE tenant_id = \(tenant) AND id = \(dataset)
      """)
    try await DatasetChanges.announce(tenant, dataset: dataset, in: tx)
  }

  /// Finishes a training: activates its model if the dataset's rule admits it, and prunes old models. The caller has
  /// locked the dataset's row.
  static func settle(
    _ tenant: TenantID, dataset: Int, newest: Int, kpis: KPIs, in tx: Transaction
  ) async throws {
    let (version, rule, kept, old) = try await tx.query(
      """
      SELECT d.active_version, d.activation, d.models_kept, k.kpis
      FROM datasets d
      LEFT JOIN kpis k
        ON k.tenant_id = d.tenant_id AND k.dataset_id = d.id AND k.model_version = d.active_version
      WHERE d.tenant_id = \(tenant) AND d.id = \(dataset)
      """
    ).single().decode(Int?.self, JSONB.self, Int.self, JSONB?.self)
    var active = version ?? newest
    if let old, try !rule.decode(Activation.self).admits(kpis, over: old.decode(KPIs.self)) {
      // The active one stays.
    } else {
      active = newest
      try await setActive(tenant, dataset: dataset, version: newest, in: tx)
    }
    try await prune(tenant, dataset: dataset, active: active, keeping: kept, in: tx)
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
  private static let summaryColumns = """
    m.version, m.created_at, m.job_id, m.trigger, m.version IS NOT DISTINCT FROM d.active_version, m.labels_used,
    m.labels_deleted_since, coalesce(m.converged, (m.model -> 'converged')::boolean, true), m.parameters, k.kpis
    """

  /// Models with their KPIs; a WHERE clause on `m` follows.
  private static func select(_ columns: String) -> Query {
    """
    SELECT \(unescaped: columns)
    FROM models m
    JOIN datasets d ON d.tenant_id = m.tenant_id AND d.id = m.dataset_id
    JOIN kpis k ON k.tenant_id = m.tenant_id AND k.dataset_id = m.dataset_id AND k.model_version = m.version

    """
  }

  private typealias Summary = (Int, Date, Int, String, Bool, Int, Int, Bool, JSONB, JSONB)

  private static func summary(_ row: Row) throws -> ModelSummary {
    try summary(
      columns: row.decode(
        Int.self, Date.self, Int.self, String.self, Bool.self, Int.self, Int.self, Bool.self, JSONB.self,
        JSONB.self))
  }

  private static func summary(columns: Summary) throws -> ModelSummary {
    let (version, createdAt, jobID, trigger, active, used, deleted, converged, parameters, kpis) = columns
    return ModelSummary(
      version: version, createdAt: createdAt, jobID: jobID,
      trigger: TrainingTrigger(rawValue: trigger) ?? .manual, isActive: active, labelsUsed: used,
      labelsDeletedSince: deleted, converged: converged,
      parameters: try parameters.decode(TrainingParameters.self), kpis: try kpis.decode(KPIs.self))
  }

  private static func record(_ row: Row) throws -> ModelRecord {
    let (
      version, createdAt, jobID, trigger, active, used, deleted, converged, parameters, kpis, model, warnings,
      features
    ) = try row.decode(
      Int.self, Date.self, Int.self, String.self, Bool.self, Int.self, Int.self, Bool.self, JSONB.self,
      JSONB.self, JSONB.self, JSONB.self, JSONB.self)
    return ModelRecord(
      summary: try summary(
        columns: (version, createdAt, jobID, trigger, active, used, deleted, converged, parameters, kpis)),
      model: Self.spelled(try model.decode(StoredModel.self).model, try features.decode([Feature].self)),
      warnings: try warnings.decode([TrainingWarning].self))
  }

  /// A model with the spelling of categories that rows are read with: a model of an earlier version may have others.
  private static func spelled(
    _ model: any BinaryClassifier, _ features: [Feature]
  ) -> any BinaryClassifier {
    let listed = Dictionary(features.map { ($0.name, $0.categories) }) { first, _ in first }
    return model.renamingCategories { feature, category in
      CategorySpelling.canonical(category, listed: listed[feature] ?? nil)
    }
  }
}
