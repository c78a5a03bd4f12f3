import HTTPTypes
import Hummingbird
import Logging
import PostgreSQL
import VerdictCore

extension Problem {
  /// The problem that the database's failure is for a client: whether it is worth trying again, and what is known of the
  /// request's effect. The rest goes to the log.
  init(_ error: PostgreSQLError, logger: Logger) {
    switch error {
    case _ where error.sqlState == .readOnlySQLTransaction:
      logger.debug("a write to a read-only database", metadata: ["error": "\(error)"])
      self.init(
        .databaseReadOnly,
        "The database that this server uses is read-only, as a standby is; nothing was changed. "
          + "Reading goes on, and so do predictions with store=false.",
        headers: [.retryAfter: "5"])
    case _ where error.isOutcomeUnknown:
      logger.error("a COMMIT was not confirmed", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable,
        "The database did not confirm the commit of the request: whether it took effect is not known. "
          + "Repeat it under the same Idempotency-Key, or look first.",
        headers: [.retryAfter: "1"])
    case _ where error.sqlState == Self.diskFull:
      logger.error("the database's disk is full", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database has no space left on its disk; nothing was changed.",
        headers: [.retryAfter: "5"])
    case _ where error.kind == .writesSuspended:
      self.init(
        .databaseUnavailable,
        "The database confirms no commits for now, as without its synchronous standby; nothing was changed. "
          + "Reading goes on, and so do predictions with store=false.",
        headers: [.retryAfter: "5"])
    case _ where error.kind == .acquireTimeout:
      // The database is there: the server has more to do with it than its connections allow.
      logger.warning("no connection became free", metadata: ["error": "\(error)"])
      self.init(
        .overloaded, "All connections to the database are busy; nothing was changed.",
        headers: [.retryAfter: "1"])
    case _ where error.isConnectionProblem:
      logger.error("database unavailable", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database is out of reach; nothing was changed.",
        headers: [.retryAfter: "1"])
    case _ where Self.gaveWay(error):
      logger.warning("gave way to other work in the database", metadata: ["error": "\(error)"])
      self.init(
        .overloaded, "Other requests that change the same got in the way; nothing was changed.",
        headers: [.retryAfter: "1"])
    case _ where Self.isUnmigrated(error):
      logger.error("the database lacks this server's schema", metadata: ["error": "\(error)"])
      self.init(
        .databaseUnavailable, "The database does not have this server's schema: run verdict migrate.",
        headers: [.retryAfter: "5"])
    case _ where Self.isOfAnErasedTenant(error): self.init(DomainError.tenantErased)
    default:
      logger.error("unexpected error", metadata: ["error": "\(String(reflecting: error))"])
      self.init(.internal, "The server made a mistake; it is in its log under the request_id.")
    }
  }

  /// Whether the statement failed for what others did at the same time: the same again can succeed.
  private static func gaveWay(_ error: PostgreSQLError) -> Bool {
    guard error.kind == .server, let state = error.sqlState else { return false }
    return [.deadlockDetected, .serializationFailure, .lockNotAvailable, .queryCanceled].contains(state)
  }

  /// Whether a statement failed because the tables, or the role that works on them, are not there yet.
  private static func isUnmigrated(_ error: PostgreSQLError) -> Bool {
    guard let state = error.sqlState else { return false }
    let roleIsMissing = SQLState(rawValue: "22023")
    let typeIsMissing = SQLState(rawValue: "42704")
    return [.undefinedTable, .undefinedColumn, roleIsMissing, typeIsMissing].contains(state)
  }

  /// Whether a row was refused because its tenant went at that moment.
  private static func isOfAnErasedTenant(_ error: PostgreSQLError) -> Bool {
    error.sqlState == .foreignKeyViolation && error.constraint?.hasSuffix("_tenant_id_fkey") == true
  }

  /// PostgreSQL manual, appendix A, class 53.
  private static let diskFull = SQLState(rawValue: "53100")
}
