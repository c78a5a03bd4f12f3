/// A five-character condition code of the server (PostgreSQL manual, Appendix A).
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The five characters as the server sends them.
  public let rawValue: String

  /// Wraps a code; codes without a constant below are as good as the others.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The code itself.
  public var description: String { rawValue }

  /// The first two characters: the class, such as `23` for integrity constraint violations.
  public var conditionClass: Substring { rawValue.prefix(2) }
}

extension SQLState {
  /// 0A000: the server cannot do that.
  public static let featureNotSupported = SQLState(rawValue: "0A000")
  /// 22P02: a text that is no value of the type.
  public static let invalidTextRepresentation = SQLState(rawValue: "22P02")
  /// 22021: a text that is not valid in the database's encoding (a zero byte, say).
  public static let characterNotInRepertoire = SQLState(rawValue: "22021")
  /// 22003: a number outside its type's range.
  public static let numericValueOutOfRange = SQLState(rawValue: "22003")
  /// 23502: NULL where the column forbids it.
  public static let notNullViolation = SQLState(rawValue: "23502")
  /// 23503: the row that is referred to does not exist, or is still referred to.
  public static let foreignKeyViolation = SQLState(rawValue: "23503")
  /// 23505: the key exists already.
  public static let uniqueViolation = SQLState(rawValue: "23505")
  /// 23514: a CHECK said no.
  public static let checkViolation = SQLState(rawValue: "23514")
  /// 25001: the statement cannot run inside a transaction block.
  public static let activeSQLTransaction = SQLState(rawValue: "25001")
  /// 25006: a write in a read-only transaction.
  public static let readOnlySQLTransaction = SQLState(rawValue: "25006")
  /// 25P03: `idle_in_transaction_session_timeout` ran out; the session is gone.
  public static let idleInTransactionSessionTimeout = SQLState(rawValue: "25P03")
  /// 25P02: an earlier error has aborted the transaction.
  public static let inFailedSQLTransaction = SQLState(rawValue: "25P02")
  /// 26000: the prepared statement does not exist (any more).
  public static let invalidSQLStatementName = SQLState(rawValue: "26000")
  /// 28000: the role may not log in this way.
  public static let invalidAuthorizationSpecification = SQLState(rawValue: "28000")
  /// 28P01: wrong password.
  public static let invalidPassword = SQLState(rawValue: "28P01")
  /// 3D000: the database does not exist.
  public static let invalidCatalogName = SQLState(rawValue: "3D000")
  /// 40001: run the transaction again.
  public static let serializationFailure = SQLState(rawValue: "40001")
  /// 40P01: two transactions waited for each other; this one gave way.
  public static let deadlockDetected = SQLState(rawValue: "40P01")
  /// 42501: the role may not do that.
  public static let insufficientPrivilege = SQLState(rawValue: "42501")
  /// 42601: the SQL does not parse.
  public static let syntaxError = SQLState(rawValue: "42601")
  /// 42703: no such column.
  public static let undefinedColumn = SQLState(rawValue: "42703")
  /// 42P01: no such table.
  public static let undefinedTable = SQLState(rawValue: "42P01")
  /// 42P07: the table exists already.
  public static let duplicateTable = SQLState(rawValue: "42P07")
  /// 53300: the server has no connection left to give.
  public static let tooManyConnections = SQLState(rawValue: "53300")
  /// 55P03: a lock was asked for with NOWAIT or `lock_timeout`, and is held.
  public static let lockNotAvailable = SQLState(rawValue: "55P03")
  /// 57014: cancelled on request or by `statement_timeout`.
  public static let queryCanceled = SQLState(rawValue: "57014")
  /// 57P01: the server shuts down, or `pg_terminate_backend` was called.
  public static let adminShutdown = SQLState(rawValue: "57P01")
  /// 57P02: another server process crashed.
  public static let crashShutdown = SQLState(rawValue: "57P02")
  /// 57P03: the server is starting up or shutting down.
  public static let cannotConnectNow = SQLState(rawValue: "57P03")
  /// 57P05: `idle_session_timeout` ran out.
  public static let idleSessionTimeout = SQLState(rawValue: "57P05")
}
