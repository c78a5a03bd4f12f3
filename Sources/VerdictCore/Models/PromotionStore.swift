import Foundation
import PostgreSQL

/// The history of the active models of datasets. An entry is written in the transaction that makes a model the active one.
package struct PromotionStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore

  /// The history in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The entries of a dataset, newest first, with ids below `cursor`, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``ReadTimeout``.
  package func list(
    _ tenant: TenantID, dataset name: String, before cursor: Int?, limit: Int
  ) async throws -> [Promotion] {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await tx.query(
        """
        SELECT id, at, version, previous_version, reason, pinned, job_id, key_id, key_name, comparison FROM promotions
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id < \(cursor ?? Int.max)
        ORDER BY id DESC LIMIT \(limit)
        """
      ).map { row in
        let (id, at, version, previous, reason, isPinned, job, key, keyName, comparison) = try row.decode(
          Int.self, Date.self, Int.self, Int?.self, String.self, Bool.self, Int?.self, Int?.self,
          String?.self, JSONB?.self)
        let actor: Actor = key.map { .key($0) } ?? .commandLine
        return Promotion(
          id: id, at: at, version: version, previousVersion: previous, reason: reason, isPinned: isPinned,
          promoter: job.map(Promotion.Promoter.training) ?? .actor(actor), keyName: keyName,
          comparison: try comparison?.decode(ActivationComparison.self))
      }
    }
  }

  /// Makes a version the active one, records it, and notifies every server. The caller has locked the dataset's row and read the
  /// state before.
  ///
  /// - Parameters:
  ///   - version: a version that exists.
  ///   - pinned: whether no training may replace it.
  ///   - before: the state before. An entry is written if the new one is another.
  ///   - reason: the reason.
  ///   - promoter: who does it.
  ///   - comparison: the comparison behind it.
  static func activate(
    _ tenant: TenantID, dataset: Int, version: Int, pinned: Bool = false, before: ActiveVersion,
    because reason: Promotion.Reason, by promoter: Promotion.Promoter,
    comparison: ActivationComparison? = nil, in tx: some QueryExecutor
  ) async throws {
    let pin: Int? = pinned ? version : nil
    try await tx.query(
      """
      UPDATE datasets SET active_version = \(version), pinned_version = \(pin),
                          revision = revision + 1
      WHERE tenant_id = \(tenant) AND id = \(dataset) AND writable AND deleted_at IS NULL
      """)
    if before.version != version || before.isPinned != pinned {
      var job: Int?
      var key: Int?
      switch promoter {
      case .training(let id): job = id
      case .actor(.key(let id)): key = id
      case .actor(.commandLine): break
      }
      try await tx.query(
        """
        INSERT INTO promotions (tenant_id, dataset_id, version, previous_version, reason, pinned, job_id, key_id, key_name,
                                comparison)
        VALUES (\(tenant), \(dataset), \(version), \(before.version), \(reason.rawValue), \(pinned), \(job), \(key),
                (SELECT name FROM api_keys WHERE tenant_id = \(tenant) AND id = \(key)),
                \(try comparison.map { try JSONB($0.deciding) }))
        """)
    }
    try await DatasetChanges.announce(tenant, dataset: dataset, in: tx)
  }

  /// The active version of a dataset with its policy, in the caller's transaction; `nil` if the dataset was deleted.
  static func state(
    _ tenant: TenantID, dataset: Int, in tx: some QueryExecutor
  ) async throws -> (active: ActiveVersion, policy: Activation)? {
    let row = try await tx.query(
      """
      SELECT active_version, pinned_version, activation FROM datasets
      WHERE tenant_id = \(tenant) AND id = \(dataset) AND writable AND deleted_at IS NULL
      """
    ).first
    guard let (version, pinned, policy) = try row?.decode(Int?.self, Int?.self, JSONB.self) else {
      return nil
    }
    return (ActiveVersion(version: version, pinned: pinned), try policy.decode(Activation.self))
  }
}
