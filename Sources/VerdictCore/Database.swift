package import PostgreSQL

/// PostgreSQL as Verdict uses it: every transaction says whose rows it is about before its first statement.
///
/// Row-level security compares with that setting, so that a statement whose tenant filter was forgotten finds nothing
/// (PostgreSQL manual, section 5.8). The setting is `LOCAL`: it ends with the transaction and never travels back to
/// the pool.
package struct Database: Sendable {
  /// The pool of connections as the role without BYPASSRLS.
  package let pool: ConnectionPool
  /// Nothing is written: every transaction is read-only, and what would write fails as on a standby (SQLSTATE 25006).
  package let isReadOnly: Bool

  /// A database behind `pool`.
  package init(pool: ConnectionPool, isReadOnly: Bool = false) {
    self.pool = pool
    self.isReadOnly = isReadOnly
  }

  /// Runs `body` in a transaction in which only `tenant`'s rows exist.
  ///
  /// - Parameter limit: how long all of it may take, the wait for a connection included, before it fails with a
  ///   ``PostgreSQLError`` that is a connection problem: for what somebody waits for.
  /// - Throws: what `body` throws, after a rollback; ``PostgreSQLError`` when the database fails, also at COMMIT.
  package func transaction<T: Sendable>(
    for tenant: TenantID, isolation: IsolationLevel? = nil, readOnly: Bool = false,
    within limit: Duration? = nil,
    _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(
      setup: [Self.setTenant(tenant)], isolation: isolation, readOnly: readOnly || isReadOnly, within: limit,
      body)
  }

  /// Runs a short look-up in a read-only transaction, once more if it loses its connection: a connection may have died long
  /// ago, and what the next one meets says whether a server is there (``PostgreSQLError/isServerDown``).
  ///
  /// - Throws: as ``transaction(for:isolation:readOnly:within:_:)``; after ``lookUpLimit`` when the database does not answer.
  func lookUp<T: Sendable>(
    for tenant: TenantID, isolation: IsolationLevel? = nil, _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    do {
      return try await transaction(
        for: tenant, isolation: isolation, readOnly: true, within: Self.lookUpLimit, body)
    } catch let error as PostgreSQLError where error.kind == .connectionLost {
      return try await transaction(
        for: tenant, isolation: isolation, readOnly: true, within: Self.lookUpLimit, body)
    }
  }

  /// How long the database has to answer what requests wait for.
  static let lookUpLimit = Duration.seconds(5)

  /// Runs `body` in a transaction that may read the directory of tenants, and nothing of theirs.
  package func operatorTransaction<T: Sendable>(
    _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(setup: ["SET LOCAL verdict.operator = 'on'"], readOnly: true, body)
  }

  /// The statement that says whose rows the rest of the transaction is about.
  package static func setTenant(_ tenant: TenantID) -> Query {
    "SET LOCAL verdict.tenant = '\(unescaped: String(tenant.rawValue))'"
  }
}
