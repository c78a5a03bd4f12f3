import PostgreSQL

/// The deletion of datasets in two halves, so that no flow of writers delays it.
///
/// Writers of rows share `FOR KEY SHARE` locks of their dataset's row. Overlapping shared locks never let an exclusive one
/// through, so the first half refuses new writers without excluding those that run: it sets `writable` to false, which conflicts
/// with no shared lock. For every look-up the dataset is gone from that commit on. The second half excludes the writers that
/// had begun: it sets the name to NULL, and with it `deleted_at`, and waits for the locks that are left. After it, no row can
/// follow, and the maintenance removes the rows.
enum DatasetDeletion {
  /// The first half, in the caller's transaction, which has locked the rows of the datasets.
  static func begin(_ tenant: TenantID, datasets: [Int], in tx: Transaction) async throws {
    try await tx.query(
      """
      UPDATE datasets SET writable = false, active_version = NULL, revision = revision + 1
      WHERE tenant_id = \(tenant) AND id = ANY(\(datasets))
      """)
    try await DatasetChanges.announce(tenant, datasets: datasets, in: tx)
  }

  /// The second half, in a transaction of its own. A repetition changes nothing.
  ///
  /// - Parameter limit: how long the transaction waits for writers.
  /// - Returns: whether the writers have ended; otherwise the maintenance repeats the second half.
  /// - Throws: ``PostgreSQLError`` when the database fails.
  static func finish(
    _ tenant: TenantID, dataset: Int, in database: Database, within limit: Duration
  ) async throws -> Bool {
    do {
      try await database.transaction(for: tenant) { tx in
        // A limit on the statement: each of the locks that it waits for has a lock_timeout of its own.
        _ = try await tx.pipeline([Self.statementTimeout(limit), release(tenant, dataset: dataset)])
      }
      return true
    } catch let error as PostgreSQLError where isTimeout(error) {
      return false
    }
  }

  /// The second half for the dataset that still has the name of a new one, in the transaction that creates the new one.
  ///
  /// - Throws: ``DomainError/stillDeleted(dataset:)`` if writers do not end within ``patience``; the transaction is aborted then.
  static func free(_ name: String, _ tenant: TenantID, in tx: Transaction) async throws {
    let row = try await tx.query(
      """
      SELECT id, current_setting('statement_timeout') FROM datasets
      WHERE tenant_id = \(tenant) AND name = \(name) AND NOT writable
      """
    ).first
    guard let (id, previous) = try row?.decode(Int.self, String.self) else { return }
    do {
      try await tx.pipeline([
        statementTimeout(patience), release(tenant, dataset: id),
        "SET LOCAL statement_timeout = '\(unescaped: previous)'",
      ])
    } catch let error as PostgreSQLError where isTimeout(error) {
      throw DomainError.stillDeleted(dataset: name)
    }
  }

  /// The datasets of a tenant whose deletion has had its first half only.
  static func unfinished(of tenant: TenantID, in database: Database) async throws -> [Int] {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        """
        SELECT id FROM datasets
        WHERE tenant_id = \(tenant) AND NOT writable AND deleted_at IS NULL ORDER BY id
        """
      ).map { try $0.decode(Int.self) }
    }
  }

  /// How long a request waits for the second half. Writers usually end within milliseconds.
  static let patience = Duration.milliseconds(500)

  private static func release(_ tenant: TenantID, dataset: Int) -> Query {
    """
    UPDATE datasets SET name = NULL, deleted_at = now(), active_version = NULL, revision = revision + 1
    WHERE tenant_id = \(tenant) AND id = \(dataset) AND NOT writable AND deleted_at IS NULL
    """
  }

  private static func statementTimeout(_ limit: Duration) -> Query {
    "SET LOCAL statement_timeout = \(unescaped: String(Int(limit / .milliseconds(1))))"
  }

  private static func isTimeout(_ error: PostgreSQLError) -> Bool {
    error.sqlState == .queryCanceled || error.sqlState == .lockNotAvailable
  }
}
