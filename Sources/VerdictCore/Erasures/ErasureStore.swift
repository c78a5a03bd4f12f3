import Foundation
package import PostgreSQL

/// The erasures of datasets: requests and their status. ``ErasureRunner`` carries them out.
package struct ErasureStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore

  /// The erasures in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// Requests an erasure in the caller's transaction, and starts it when that has committed. Should this process end before, the
  /// maintenance of any process starts it.
  ///
  /// - Parameters:
  ///   - subject: the rows to be removed.
  ///   - retrain: whether a training without them follows.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func request(
    _ tenant: TenantID, dataset name: String, _ subject: ErasureSubject, retrain: Bool,
    by actor: Actor = .commandLine, in tx: Transaction
  ) async throws -> Erasure {
    let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
    let hash = try await ErasureHash.hash(subject, tenant, in: tx)
    var key: Int?
    if case .key(let id) = actor { key = id }
    let erasure = try Self.erasure(
      try await tx.query(
        """
        INSERT INTO erasures (tenant_id, dataset_id, subject, value, hash, retrain, key_id)
        VALUES (\(tenant), \(dataset.id), \(subject.kind.rawValue), \(subject.value), \(hash), \(retrain), \(key))
        RETURNING \(unescaped: Self.columns)
        """
      ).single())
    try await AuditLog.record(
      tenant, actor, .erasureRequested, "dataset \(dataset.name)",
      detail: "erasure \(erasure.id): \(subject.kind.rawValue) \(erasure.hashText)"
        + (retrain ? ", with a training" : ""),
      in: tx)
    let database = database
    tx.onCompletion { mayBeCommitted in
      if mayBeCommitted { database.erasures.start(tenant, in: database) }
    }
    return erasure
  }

  /// One erasure of a dataset.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func erasure(_ tenant: TenantID, dataset name: String, id: Int) async throws -> Erasure {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let rows = try await tx.query(
        """
        SELECT \(unescaped: Self.columns) FROM erasures
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = \(id)
        """)
      guard let row = rows.first else { throw DomainError.notFound(what: "erasure \(id)") }
      return try Self.erasure(row)
    }
  }

  /// The erasures of a dataset, newest first, with ids below `cursor`, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func list(
    _ tenant: TenantID, dataset name: String, before cursor: Int?, limit: Int
  ) async throws -> [Erasure] {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return try await tx.query(
        """
        SELECT \(unescaped: Self.columns) FROM erasures
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id < \(cursor ?? Int.max)
        ORDER BY id DESC LIMIT \(limit)
        """
      ).map(Self.erasure)
    }
  }

  /// Finds the unfinished erasures of a tenant, oldest first, by dataset and id. Those of a deleted dataset go with its rows.
  static func unfinished(of tenant: TenantID) -> Query {
    """
    SELECT e.dataset_id, e.id FROM erasures e JOIN datasets d ON d.tenant_id = e.tenant_id AND d.id = e.dataset_id
    WHERE e.tenant_id = \(tenant) AND e.finished_at IS NULL AND d.writable AND d.deleted_at IS NULL
    ORDER BY e.id LIMIT 100
    """
  }

  static let columns = """
    id, subject, hash, retrain, state, labels_deleted, predictions_deleted, answers_deleted, models_deleted, job_id, \
    model_version, error, created_at, removed_at, finished_at
    """

  static func erasure(_ row: Row) throws -> Erasure {
    let (
      id, subject, hash, retrain, state, labels, predictions, answers, models, job, version, error, createdAt,
      removedAt, finishedAt
    ) = try row.decode(
      Int.self, String.self, Data.self, Bool.self, String.self, Int.self, Int.self, Int.self, Int.self,
      Int?.self, Int?.self, JSONB?.self, Date.self, Date?.self, Date?.self)
    return Erasure(
      id: id, kind: ErasureSubject.Kind(rawValue: subject) ?? .reference, hash: hash, retrain: retrain,
      state: Erasure.State(rawValue: state) ?? .running, labelsDeleted: labels,
      predictionsDeleted: predictions, answersDeleted: answers, modelsDeleted: models, jobID: job,
      modelVersion: version, error: try error?.decode(Erasure.Failure.self), createdAt: createdAt,
      removedAt: removedAt, finishedAt: finishedAt)
  }
}
