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
  /// The maximum duration of a statement that a read waits for.
  package let readLimit: Duration
  /// Evaluates live gates in the background.
  let liveGates = LiveGateEvaluator()
  /// Carries out erasures in the background.
  let erasures = ErasureRunner()

  /// Creates a database on `pool`.
  package init(pool: ConnectionPool, isReadOnly: Bool = false, readLimit: Duration = .seconds(5)) {
    self.pool = pool
    self.isReadOnly = isReadOnly
    self.readLimit = readLimit
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
      for: .owner(Int(tenant.rawValue)), setup: [Self.setTenant(tenant)], isolation: isolation,
      readOnly: readOnly || isReadOnly, within: limit, body)
  }

  /// Runs a read that a request waits for, in a read-only transaction whose statements PostgreSQL cancels after ``readLimit``. No
  /// tenant's reads then hold connections for long.
  ///
  /// Reads at a client's pace, which may take hours, run in ``transaction(for:isolation:readOnly:within:_:)`` under a permit.
  ///
  /// - Throws: ``ReadTimeout``; otherwise as ``transaction(for:isolation:readOnly:within:_:)``.
  package func read<T: Sendable>(
    for tenant: TenantID, isolation: IsolationLevel? = nil, _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    do {
      return try await pool.transaction(
        for: .owner(Int(tenant.rawValue)),
        setup: [Self.setTenant(tenant), Self.limitStatements(to: readLimit)],
        isolation: isolation, readOnly: true
      ) { tx in
        // For a database that does not respond at all.
        try await body(tx.limited(to: readLimit * 2))
      }
    } catch let error as PostgreSQLError where error.kind == .server && error.sqlState == .queryCanceled {
      throw ReadTimeout(limit: readLimit, underlying: error)
    }
  }

  /// Runs a short look-up in a read-only transaction and retries once after a lost connection: a pooled connection
  /// may have died earlier, and a new one shows whether the server is up (``PostgreSQLError/isServerDown``).
  ///
  /// - Parameters:
  ///   - isolation: the isolation level of the transaction.
  ///   - isUrgent: whether the look-up takes a moment and requests of all kinds depend on it. It then finds a connection whatever
  ///     the tenants do.
  ///   - body: the look-up.
  /// - Throws: as ``transaction(for:isolation:readOnly:within:_:)``; after ``lookUpLimit`` if the database does not
  ///   respond.
  func lookUp<T: Sendable>(
    for tenant: TenantID, isolation: IsolationLevel? = nil, isUrgent: Bool = false,
    _ body: @Sendable (Transaction) async throws -> T
  ) async throws -> T {
    let number = Int(tenant.rawValue)
    let borrower: Borrower = isUrgent ? .urgent(number) : .owner(number)
    let setup = [Self.setTenant(tenant)]
    do {
      return try await pool.transaction(
        for: borrower, setup: setup, isolation: isolation, readOnly: true, within: Self.lookUpLimit, body)
    } catch let error as PostgreSQLError where error.kind == .connectionLost {
      return try await pool.transaction(
        for: borrower, setup: setup, isolation: isolation, readOnly: true, within: Self.lookUpLimit, body)
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

  private static func limitStatements(to limit: Duration) -> Query {
    "SET LOCAL statement_timeout = \(unescaped: String(Int(limit / .milliseconds(1))))"
  }

  /// The statement that sets the tenant of the transaction.
  package static func setTenant(_ tenant: TenantID) -> Query {
    "SET LOCAL verdict.tenant = '\(unescaped: String(tenant.rawValue))'"
  }
}
