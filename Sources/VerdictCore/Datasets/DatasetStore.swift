import Foundation
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
  /// - Throws: ``DomainError/nameTaken(what:)``, ``DomainError/stillDeleted(dataset:)``,
  ///   ``DomainError/quotaExceeded(_:maximum:present:)``.
  package func create(
    _ tenant: TenantID, _ new: NewDataset, by actor: Actor = .commandLine, in tx: Transaction
  ) async throws -> DatasetSummary {
    try await Quotas.admitOneMore(.datasets, tenant, in: tx)
    if try await !insert(tenant, new, in: tx) {
      try await DatasetDeletion.free(new.name, tenant, in: tx)
      guard try await insert(tenant, new, in: tx) else {
        throw DomainError.nameTaken(what: "dataset \(new.name)")
      }
    }
    try await AuditLog.record(tenant, actor, .datasetCreated, "dataset \(new.name)", in: tx)
    return try await summary(tenant, named: new.name, in: tx)
  }

  /// Inserts a dataset.
  ///
  /// - Returns: whether its name was free.
  private func insert(_ tenant: TenantID, _ new: NewDataset, in tx: Transaction) async throws -> Bool {
    let features = FeatureSlots.assign(new.features)
    let rows = try await tx.query(
      """
      INSERT INTO datasets (tenant_id, name, features, label_name, label_positive, label_negative,
                            \(unescaped: DatasetSettings.columns))
      SELECT \(tenant), \(new.name), \(try JSONB(features)), \(new.label.name), \(new.label.positive),
             \(new.label.negative), \(unescaped: DatasetSettings.rowColumns)
      FROM
      """ + " " + new.settings.row + """
         ON CONFLICT (tenant_id, name) DO NOTHING
        RETURNING id
        """)
    return rows.first != nil
  }

  /// The dataset of that name, in the caller's transaction.
  ///
  /// - Parameter lock: ``RowLock/keyShare`` while rows are written, ``RowLock/update`` while the description changes.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func dataset(
    _ tenant: TenantID, named name: String, lock: RowLock = .none, in tx: some QueryExecutor
  ) async throws -> Dataset {
    let rows = try await tx.query(
      """
      SELECT \(unescaped: DatasetRow.columns) FROM datasets d
      WHERE d.tenant_id = \(tenant) AND d.name = \(name) AND d.writable \(unescaped: lock.rawValue)
      """)
    guard let row = rows.first else { throw DomainError.notFound(what: "dataset \(name)") }
    return try DatasetRow.dataset(row)
  }

  /// The dataset of that name, in a transaction of its own.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func dataset(_ tenant: TenantID, named name: String) async throws -> Dataset {
    try await database.read(for: tenant) { tx in
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
      WHERE tenant_id = \(tenant) AND id = \(read.id) AND writable AND deleted_at IS NULL FOR KEY SHARE
      """
    ).first
    guard let revision = try row?.decode(Int.self) else {
      throw DomainError.notFound(what: "dataset \(read.name)")
    }
    return revision == read.revision ? read : try await dataset(tenant, id: read.id, in: tx)
  }

  /// The dataset of that number, unless it was deleted.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  func dataset(_ tenant: TenantID, id: Int, in tx: some QueryExecutor) async throws -> Dataset {
    let rows = try await tx.query(
      """
      SELECT \(unescaped: DatasetRow.columns) FROM datasets d
      WHERE d.tenant_id = \(tenant) AND d.id = \(id) AND d.writable AND d.deleted_at IS NULL
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
      DatasetRow.summaries + "WHERE d.tenant_id = \(tenant) AND d.name = \(name) AND d.writable")
    guard let row = rows.first else { throw DomainError.notFound(what: "dataset \(name)") }
    return try DatasetRow.summary(row)
  }

  /// The dataset of that name in a transaction of its own.
  package func summary(_ tenant: TenantID, named name: String) async throws -> DatasetSummary {
    try await database.read(for: tenant) { tx in
      try await summary(tenant, named: name, in: tx)
    }
  }

  /// The tenant's datasets by name, after the name `cursor`, at most `limit`, and fewer if they reach ``PageBudget/bytes``.
  package func list(_ tenant: TenantID, after cursor: String?, limit: Int) async throws -> [DatasetSummary] {
    try await database.read(for: tenant) { tx in
      try await PageBudget.read(limit: limit, largest: Self.largest, size: { $0.dataset.schemaText }) {
        last, count in
        try await tx.query(
          DatasetRow.summaries
            + """
            WHERE d.tenant_id = \(tenant) AND d.writable AND d.deleted_at IS NULL
              AND d.name > \(last?.dataset.name ?? cursor ?? "")
            ORDER BY d.name LIMIT \(count)
            """
        ).map(DatasetRow.summary)
      }
    }
  }

  /// The size of a dataset's description for which a list reads steps of its size; the largest ones have a megabyte.
  private static let largest = 40 << 10

  /// A precondition of a change: it receives the dataset's present state and throws to prevent the change.
  package typealias Condition = @Sendable (DatasetSummary) throws -> Void

  /// Changes a dataset's features and settings, with their effects on trainings and models, and notifies every server that
  /// caches it.
  ///
  /// - Parameters:
  ///   - autoTraining: decides by the new policy whether a training is due.
  ///   - condition: checked under the lock of the change, and only for a change that is otherwise valid.
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
      let (before, settings) = (old.settings, change.settings)
      try await tx.query(
        """
        UPDATE datasets d SET features = \(try JSONB(features)), label_negative = \(change.negative ?? old.label.negative),
          \(unescaped: DatasetSettings.assignments), revision = d.revision + 1, updated_at = now()
        FROM
        """ + " " + settings.row + " WHERE d.tenant_id = \(tenant) AND d.id = \(old.id)")
      if before.autoTrain != settings.autoTrain || before.training != settings.training
        || !change.named.isDisjoint(with: [.autoTrain, .training])
      {
        try await autoTraining.reconsider(
          tenant, dataset: old.id, settings.autoTrain, settings.training, .policyChanged, in: tx)
      }
      if before.modelsKept != settings.modelsKept || change.named.contains(.modelsKept) {
        try await ModelStore.prune(
          tenant, dataset: old.id, active: old.activeVersion, keeping: settings.modelsKept, in: tx)
      }
      try await AuditLog.record(tenant, actor, .datasetChanged, "dataset \(name)", in: tx)
      try await DatasetChanges.announce(tenant, dataset: old.id, in: tx)
      return try await summary(tenant, named: name, in: tx)
    }
  }

  /// Deletes a dataset. It is gone for every later request when this returns; the maintenance removes its rows later.
  ///
  /// Requests that began earlier may still succeed, and their rows go with the dataset. The name is free when they have ended.
  ///
  /// - Parameter condition: checked under the lock of the deletion.
  /// - Throws: ``DomainError/notFound(what:)``, and what `condition` throws.
  package func delete(
    _ tenant: TenantID, named name: String, by actor: Actor = .commandLine, if condition: Condition? = nil
  ) async throws {
    let id = try await database.transaction(for: tenant) { tx in
      let old = try await dataset(tenant, named: name, lock: .update, in: tx)
      try await check(condition, tenant, name, in: tx)
      try await DatasetDeletion.begin(tenant, datasets: [old.id], in: tx)
      try await AuditLog.record(tenant, actor, .datasetDeleted, "dataset \(name)", in: tx)
      return old.id
    }
    // The dataset is deleted. The maintenance repeats what fails here.
    _ = try? await DatasetDeletion.finish(
      tenant, dataset: id, in: database, within: DatasetDeletion.patience)
  }

  private func check(
    _ condition: Condition?, _ tenant: TenantID, _ name: String, in tx: Transaction
  ) async throws {
    guard let condition else { return }
    try condition(try await summary(tenant, named: name, in: tx))
  }

  /// The lock that a read of a dataset's row takes.
  package enum RowLock: String, Sendable {
    /// None.
    case none = ""
    /// A lock against the second half of a deletion (``DatasetDeletion``), which writers of rows share.
    case keyShare = "FOR KEY SHARE"
    /// A lock against other changes. It does not wait for writers of rows: `FOR UPDATE` would, and overlapping writers would
    /// hold it up for ever.
    case update = "FOR NO KEY UPDATE"
  }
}
