import Foundation
import Learning
package import PostgreSQL

/// The datasets of tenants.
package struct DatasetStore: Sendable {
  private let database: Database

  /// The datasets in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Creates a dataset in the caller's transaction.
  ///
  /// - Throws: ``DomainError/nameTaken(what:)``, ``DomainError/quotaExceeded(_:maximum:present:)``.
  package func create(
    _ tenant: TenantID, _ new: NewDataset, by actor: Actor = .commandLine, in tx: Transaction
  ) async throws -> DatasetSummary {
    try await Quotas.admitOneMore(.datasets, tenant, in: tx)
    let features = FeatureSlots.assign(new.features)
    let gate = try new.gate.map { try JSONB($0) }
    let rows = try await tx.query(
      """
      INSERT INTO datasets (tenant_id, name, features, label_name, label_positive, auto_train, gate, training,
                            activation, models_kept, predictions_kept_days)
      VALUES (\(tenant), \(new.name), \(try JSONB(features)), \(new.label.name), \(new.label.positive),
              \(try JSONB(new.autoTrain)), \(gate), \(try JSONB(new.training)), \(try JSONB(new.activation)),
              \(new.modelsKept), \(new.predictionsKeptDays))
      ON CONFLICT (tenant_id, name) DO NOTHING
      RETURNING id
      """)
    guard rows.first != nil else { throw DomainError.nameTaken(what: "dataset \(new.name)") }
    try await AuditLog.record(tenant, actor, .datasetCreated, "dataset \(new.name)", in: tx)
    return try await summary(tenant, named: new.name, in: tx)
  }

  /// The dataset of that name, for work in the caller's transaction.
  ///
  /// - Parameter lock: `FOR KEY SHARE` while rows are added, so that the dataset cannot be deleted under them;
  ///   `FOR UPDATE` while its description changes.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func dataset(
    _ tenant: TenantID, named name: String, lock: RowLock = .none, in tx: some QueryExecutor
  ) async throws -> Dataset {
    let rows = try await tx.query(
      """
      SELECT \(unescaped: DatasetRow.columns) FROM datasets d
      WHERE d.tenant_id = \(tenant) AND d.name = \(name) \(unescaped: lock.rawValue)
      """)
    guard let row = rows.first else { throw DomainError.notFound(what: "dataset \(name)") }
    return try DatasetRow.dataset(row)
  }

  /// The dataset of that name, in a transaction of its own.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func dataset(_ tenant: TenantID, named name: String) async throws -> Dataset {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await dataset(tenant, named: name, in: tx)
    }
  }

  /// Locks a dataset that was read earlier against deletion, and returns its present state; reads it again only if it has
  /// changed.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` if it was deleted.
  func lock(_ tenant: TenantID, _ read: Dataset, in tx: some QueryExecutor) async throws -> Dataset {
    let row = try await tx.query(
      """
      SELECT revision FROM datasets
      WHERE tenant_id = \(tenant) AND id = \(read.id) AND deleted_at IS NULL FOR KEY SHARE
      """
    ).first
    guard let revision = try row?.decode(Int.self) else {
      throw DomainError.notFound(what: "dataset \(read.name)")
    }
    return revision == read.revision ? read : try await dataset(tenant, id: read.id, in: tx)
  }

  /// The dataset of that number, for a job that was asked for under its name at the time.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  func dataset(_ tenant: TenantID, id: Int, in tx: some QueryExecutor) async throws -> Dataset {
    let rows = try await tx.query(
      """
      SELECT \(unescaped: DatasetRow.columns) FROM datasets d
      WHERE d.tenant_id = \(tenant) AND d.id = \(id) AND d.deleted_at IS NULL
      """)
    guard let row = rows.first else { throw DomainError.notFound(what: "dataset \(id)") }
    return try DatasetRow.dataset(row)
  }

  /// The dataset of that name with its counts and active model.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func summary(
    _ tenant: TenantID, named name: String, in tx: some QueryExecutor
  ) async throws -> DatasetSummary {
    let rows = try await tx.query(
      DatasetRow.summaries + "WHERE d.tenant_id = \(tenant) AND d.name = \(name)")
    guard let row = rows.first else { throw DomainError.notFound(what: "dataset \(name)") }
    return try DatasetRow.summary(row)
  }

  /// The dataset of that name in a transaction of its own.
  package func summary(_ tenant: TenantID, named name: String) async throws -> DatasetSummary {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await summary(tenant, named: name, in: tx)
    }
  }

  /// The tenant's datasets by name, after the name `cursor`, at most `limit`.
  package func list(_ tenant: TenantID, after cursor: String?, limit: Int) async throws -> [DatasetSummary] {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        DatasetRow.summaries
          + """
          WHERE d.tenant_id = \(tenant) AND d.deleted_at IS NULL AND d.name > \(cursor ?? "")
          ORDER BY d.name LIMIT \(limit)
          """
      ).map(DatasetRow.summary)
    }
  }

  /// Looks at a dataset as it is just before it changes, and throws to leave it as it is.
  package typealias Condition = @Sendable (DatasetSummary) throws -> Void

  /// Changes a dataset's description, lets what follows from it happen, and tells every server that keeps it in memory.
  ///
  /// - Parameters:
  ///   - autoTraining: decides anew whether a training is due, by the new policy.
  ///   - condition: asked under the lock under which the change is made, so that nothing comes in between; only of a
  ///     change that would be made otherwise.
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/invalid(problems:)``, and what `condition` throws.
  package func change(
    _ tenant: TenantID, named name: String, _ autoTraining: AutoTraining, by actor: Actor = .commandLine,
    if condition: Condition? = nil, _ change: @Sendable (Dataset) throws -> DatasetChange
  ) async throws -> DatasetSummary {
    try await database.transaction(for: tenant) { tx in
      let old = try await dataset(tenant, named: name, lock: .update, in: tx)
      let change = try change(old)
      let features = try change.features.map { try FeatureSlots.extend(old.features, to: $0) } ?? old.features
      try await check(condition, tenant, name, in: tx)
      let gate = change.gate ?? old.gate
      let kept = change.predictionsKeptDays ?? old.predictionsKeptDays
      let autoTrain = change.autoTrain ?? old.autoTrain
      let training = change.training ?? old.training
      try await tx.query(
        """
        UPDATE datasets SET
          features = \(try JSONB(features)), gate = \(try gate.map { try JSONB($0) }),
          auto_train = \(try JSONB(autoTrain)), training = \(try JSONB(training)),
          activation = \(try JSONB(change.activation ?? old.activation)),
          models_kept = \(change.modelsKept ?? old.modelsKept),
          predictions_kept_days = \(kept),
          revision = revision + 1, updated_at = now()
        WHERE tenant_id = \(tenant) AND id = \(old.id)
        """)
      if change.autoTrain != nil || change.training != nil {
        try await autoTraining.reconsider(
          tenant, dataset: old.id, autoTrain, training, .policyChanged, in: tx)
      }
      if let count = change.modelsKept {
        try await ModelStore.prune(tenant, dataset: old.id, active: old.activeVersion, keeping: count, in: tx)
      }
      try await AuditLog.record(tenant, actor, .datasetChanged, "dataset \(name)", in: tx)
      try await DatasetChanges.announce(tenant, dataset: old.id, in: tx)
      return try await summary(tenant, named: name, in: tx)
    }
  }

  /// Deletes a dataset: gone and its name free when this returns, its rows removed in the background.
  ///
  /// - Parameter condition: asked under the lock under which it is deleted.
  /// - Throws: ``DomainError/notFound(what:)``, and what `condition` throws.
  package func delete(
    _ tenant: TenantID, named name: String, by actor: Actor = .commandLine, if condition: Condition? = nil
  ) async throws {
    try await database.transaction(for: tenant) { tx in
      let old = try await dataset(tenant, named: name, lock: .update, in: tx)
      try await check(condition, tenant, name, in: tx)
      try await tx.query(
        """
        UPDATE datasets SET name = NULL, deleted_at = now(), active_version = NULL, revision = revision + 1
        WHERE tenant_id = \(tenant) AND id = \(old.id)
        """)
      try await AuditLog.record(tenant, actor, .datasetDeleted, "dataset \(name)", in: tx)
      try await DatasetChanges.announce(tenant, dataset: old.id, in: tx)
    }
  }

  private func check(
    _ condition: Condition?, _ tenant: TenantID, _ name: String, in tx: Transaction
  ) async throws {
    guard let condition else { return }
    try condition(try await summary(tenant, named: name, in: tx))
  }

  /// How a dataset's row is locked while it is read.
  package enum RowLock: String, Sendable {
    /// Not at all.
    case none = ""
    /// Against deletion, shared with other writers of rows.
    case keyShare = "FOR KEY SHARE"
    /// Against every other change. `UPDATE`s that leave the key alone take `FOR NO KEY UPDATE`, which would let
    /// writers of rows go on under a deletion: hence the stronger lock.
    case update = "FOR UPDATE"
  }
}
