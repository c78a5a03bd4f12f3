/// A five-character condition code of the server (PostgreSQL manual, Appendix A).
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The five characters as the server sends them.
  public let rawValue: String

  /// Wraps a code, with or without a constant below.
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The code itself.
  public var description: String { rawValue }

  /// The first two characters: the class, such as `23` for integrity constraint violations.
  public var conditionClass: Substring { rawValue.prefix(2) }
}

extension SQLState {
  /// 0A000: the server does not support the feature.
  public static let featureNotSupported = SQLState(rawValue: "0A000")
  /// 22P02: a text is not a valid value of the type.
  public static let invalidTextRepresentation = SQLState(rawValue: "22P02")
  /// 22021: a text is invalid in the database's encoding, such as one with a zero byte.
  public static let characterNotInRepertoire = SQLState(rawValue: "22021")
  /// 22003: a number is outside the range of its type.
  public static let numericValueOutOfRange = SQLState(rawValue: "22003")
  /// 23502: a NOT NULL column is NULL.
  public static let notNullViolation = SQLState(rawValue: "23502")
  /// 23503: a foreign key refers to a missing row, or a row is still referenced.
  public static let foreignKeyViolation = SQLState(rawValue: "23503")
  /// 23505: a unique key exists already.
  public static let uniqueViolation = SQLState(rawValue: "23505")
  /// 23514: a CHECK constraint is violated.
  public static let checkViolation = SQLState(rawValue: "23514")
  /// 25001: the statement cannot run inside a transaction block.
  public static let activeSQLTransaction = SQLState(rawValue: "25001")
  /// 25006: a read-only transaction tried to write.
  public static let readOnlySQLTransaction = SQLState(rawValue: "25006")
  /// 25P03: `idle_in_transaction_session_timeout` expired, and the session ended.
  public static let idleInTransactionSessionTimeout = SQLState(rawValue: "25P03")
  /// 25P02: an earlier error has aborted the transaction.
  public static let inFailedSQLTransaction = SQLState(rawValue: "25P02")
  /// 26000: the prepared statement does not exist.
  public static let invalidSQLStatementName = SQLState(rawValue: "26000")
  /// 28000: the role may not log in with this method.
  public static let invalidAuthorizationSpecification = SQLState(rawValue: "28000")
  /// 28P01: the password is wrong.
  public static let invalidPassword = SQLState(rawValue: "28P01")
  /// 3D000: the database does not exist.
  public static let invalidCatalogName = SQLState(rawValue: "3D000")
  /// 40001: the transaction conflicts with a concurrent one and can be retried.
  public static let serializationFailure = SQLState(rawValue: "40001")
  /// 40P01: the transaction was aborted to resolve a deadlock.
  public static let deadlockDetected = SQLState(rawValue: "40P01")
  /// 42501: the role lacks the privilege.
  public static let insufficientPrivilege = SQLState(rawValue: "42501")
  /// 42601: the SQL has a syntax error.
  public static let syntaxError = SQLState(rawValue: "42601")
  /// 42703: the column does not exist.
  public static let undefinedColumn = SQLState(rawValue: "42703")
  /// 42P01: the table does not exist.
  public static let undefinedTable = SQLState(rawValue: "42P01")
  /// 42P07: the table exists already.
  public static let duplicateTable = SQLState(rawValue: "42P07")
  /// 53300: the server has reached its connection limit.
  public static let tooManyConnections = SQLState(rawValue: "53300")
  /// 55P03: a lock was not available with NOWAIT or within `lock_timeout`.
  public static let lockNotAvailable = SQLState(rawValue: "55P03")
  /// 57014: the statement was cancelled by request or by `statement_timeout`.
  public static let queryCanceled = SQLState(rawValue: "57014")
  /// 57P01: the server is shutting down, or `pg_terminate_backend` was called.
  public static let adminShutdown = SQLState(rawValue: "57P01")
  /// 57P02: another server process crashed.
  public static let crashShutdown = SQLState(rawValue: "57P02")
  /// 57P03: the server is starting up or shutting down.
  public static let cannotConnectNow = SQLState(rawValue: "57P03")
  /// 57P05: `idle_session_timeout` expired.
  public static let idleSessionTimeout = SQLState(rawValue: "57P05")
}
