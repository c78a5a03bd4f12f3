import HTTPTypes
import Hummingbird
import Logging
import PostgreSQL
import VerdictCore

extension Problem {
  /// Maps a database error to a problem, which says whether a retry is worthwhile and whether the request took effect. The
  /// cause is logged and never sent.
  init(_ error: PostgreSQLError, logger: Logger) {
    switch error {
    case _ where error.sqlState == .readOnlySQLTransaction:
      logger.debug("write to a read-only database", metadata: ["error": "\(error)"])
      self.init(
        .databaseReadOnly,
        "The server's database is read-only, for example a standby; nothing was changed. "
          + "Reads and predictions with store=false still work.",
        headers: [.retryAfter: "5"])
    case _ where error.isOutcomeUnknown:
      logger.error("COMMIT not confirmed", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable,
        "The database did not confirm the commit, so it is unknown whether the request took effect. "
          + "Repeat it with the same Idempotency-Key, or check first.",
        headers: [.retryAfter: "1"])
    case _ where error.sqlState == Self.diskFull:
      logger.error("database disk full", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database has no space left on its disk; nothing was changed.",
        headers: [.retryAfter: "5"])
    case _ where error.kind == .writesSuspended:
      self.init(
        .databaseUnavailable,
        "The database currently confirms no commits, for example because its synchronous standby is missing; nothing was "
          + "changed. Reads and predictions with store=false still work.",
        headers: [.retryAfter: "5"])
    case _ where error.kind == .acquireTimeout:
      // The database is reachable, but the pool is exhausted.
      logger.warning("connection pool exhausted", metadata: ["error": "\(error)"])
      self.init(
        .overloaded, "All connections to the database are busy; nothing was changed.",
        headers: [.retryAfter: "1"], because: .pool)
    case _ where error.isConnectionProblem:
      logger.error("database unavailable", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database is unreachable; nothing was changed.",
        headers: [.retryAfter: "1"])
    case _ where Self.isConflict(error):
      logger.warning(
        "transaction aborted by serialization failure or lock timeout", metadata: ["error": "\(error)"])
      self.init(
        .overloaded, "The request conflicted with concurrent requests; nothing was changed.",
        headers: [.retryAfter: "1"], because: .conflict)
    case _ where Self.isUnmigrated(error):
      logger.error("database schema is not migrated", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database does not have this server's schema: run verdict migrate.",
        headers: [.retryAfter: "5"])
    case _ where Self.isErasedTenant(error): self.init(DomainError.tenantErased)
    default:
      logger.error("unexpected error", metadata: ["error": "\(String(reflecting: error))"])
      self.init(.internal, Self.internalDetail)
    }
  }

  /// Whether a concurrent transaction caused the failure, so that a retry can succeed.
  private static func isConflict(_ error: PostgreSQLError) -> Bool {
    guard error.kind == .server, let state = error.sqlState else { return false }
    return [.deadlockDetected, .serializationFailure, .lockNotAvailable, .queryCanceled].contains(state)
  }

  /// Whether a statement failed because the tables, or the role that uses them, do not exist yet.
  private static func isUnmigrated(_ error: PostgreSQLError) -> Bool {
    guard let state = error.sqlState else { return false }
    let roleIsMissing = SQLState(rawValue: "22023")
    let typeIsMissing = SQLState(rawValue: "42704")
    return [.undefinedTable, .undefinedColumn, roleIsMissing, typeIsMissing].contains(state)
  }

  /// Whether a row was refused because its tenant was erased at the same time.
  private static func isErasedTenant(_ error: PostgreSQLError) -> Bool {
    error.sqlState == .foreignKeyViolation && error.constraint?.hasSuffix("_tenant_id_fkey") == true
  }

  /// disk_full (PostgreSQL manual, appendix A, class 53).
  private static let diskFull = SQLState(rawValue: "53100")
}
