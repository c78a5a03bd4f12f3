package import PostgreSQL

/// The database as the domain uses it: every transaction sets its tenant before its first statement.
///
/// Row-level security compares rows with that setting, so that a statement without a tenant filter finds no rows of
/// other tenants (PostgreSQL manual, section 5.8). The setting is `LOCAL`: it ends with the transaction and never
/// returns to the pool.
package struct Database: Sendable {
  /// The pool of connections as the role without BYPASSRLS.
  package let pool: ConnectionPool
  /// Whether every transaction is read-only. Writes then fail as on a standby (SQLSTATE 25006).
  package let isReadOnly: Bool

  /// Creates a database on `pool`.
  package init(pool: ConnectionPool, isReadOnly: Bool = false) {
    self.pool = pool
    self.isReadOnly = isReadOnly
  }

  /// Runs `body` in a transaction that sees only `tenant`'s rows.
  ///
  /// - Parameter limit: the maximum duration including the wait for a connection, for transactions that a request
  ///   waits for. Afterwards it fails with a ``PostgreSQLError`` that is a connection problem.
  /// - Throws: errors of `body`, after a rollback; ``PostgreSQLError`` when the database fails, also at COMMIT.
  package func transaction<T: Sendable>(
    for tenant: TenantID, isolation: IsolationLevel? = nil, readOnly: Bool = false,
    within limit: Duration? = nil,
    _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(
      setup: [Self.setTenant(tenant)], isolation: isolation, readOnly: readOnly || isReadOnly, within: limit,
      body)
  }

  /// Runs a short look-up in a read-only transaction and retries once after a lost connection: a pooled connection
  /// may have died earlier, and a new one shows whether the server is up (``PostgreSQLError/isServerDown``).
  ///
  /// - Throws: as ``transaction(for:isolation:readOnly:within:_:)``; after ``lookUpLimit`` if the database does not
  ///   respond.
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

  /// The maximum duration of look-ups that requests wait for.
  static let lookUpLimit = Duration.seconds(5)

  /// Runs `body` in a transaction that can read the directory of tenants but no tenant's data.
  package func operatorTransaction<T: Sendable>(
    _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    try await pool.transaction(setup: ["SET LOCAL verdict.operator = 'on'"], readOnly: true, body)
  }

  /// The statement that sets the tenant of the transaction.
  package static func setTenant(_ tenant: TenantID) -> Query {
    "SET LOCAL verdict.tenant = '\(unescaped: String(tenant.rawValue))'"
  }
}
