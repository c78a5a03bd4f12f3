/// An error of this client, of libpq or of the PostgreSQL server.
public struct PostgreSQLError: Error, Sendable {
  /// The kind of an error, which decides how a caller can handle it.
  public enum Kind: Sendable, Hashable {
    /// The connection string is invalid.
    case invalidConfiguration
    /// The connection could not be established (refused, unknown host, wrong password, timeout).
    case connectionFailed
    /// An established connection broke; the effect of its statement is unknown.
    case connectionLost
    /// The connection was closed by this program.
    case connectionClosed
    /// The server reported an error; ``PostgreSQLError/sqlState`` identifies it.
    case server
    /// The client's statement timeout expired, and the statement was cancelled on the server.
    case statementTimeout
    /// No connection of the pool became free before the timeout.
    case acquireTimeout
    /// The task was cancelled, and its statement on the server with it.
    case cancelled
    /// The pool is shutting down.
    case poolClosed
    /// COMMIT rolled back, because an earlier error had aborted the transaction.
    case transactionAborted
    /// The server committed the transaction without waiting further for its synchronous standby; a failover to the standby would
    /// lose the transaction (manual, 27.2.8).
    case commitUnconfirmed
    /// A writing transaction was refused because the server does not confirm commits; see ``CommitCircuitBreaker``.
    case writesSuspended
    /// A value could not be encoded.
    case encoding
    /// A value could not be decoded into the requested type.
    case decoding
    /// The server or libpq violated the protocol.
    case protocolViolation
    /// The call is not possible in this state, such as a query while a COPY of the same connection is running.
    case misuse
  }

  /// The kind of the error.
  public var kind: Kind
  /// The server's condition code, if the server reported one.
  public var sqlState: SQLState?
  /// The primary message: one line, without a trailing line break.
  public var message: String
  /// The server's detail message.
  public var detail: String?
  /// The server's hint.
  public var hint: String?
  /// The constraint that was violated.
  public var constraint: String?
  /// The schema of ``table``.
  public var schema: String?
  /// The table that the error refers to.
  public var table: String?
  /// The column that the error refers to.
  public var column: String?
  /// The position of the error in ``query``, in characters from 1.
  public var position: Int?
  /// The SQL text, without its values.
  public var query: String?
  /// The file of the call site (`#fileID`).
  public var file: String?
  /// The line of the call site.
  public var line: Int?
  /// The cause of this error.
  public var underlying: (any Error)?

  /// Whether the outcome of a COMMIT is unknown: the connection broke or was severed before the answer, or the standby did not
  /// confirm. The transaction may or may not have taken effect, and a failover may lose it.
  public var isOutcomeUnknown = false

  /// Whether the connection was refused by the operating system, or by a server that starts, stops or recovers. No client of the
  /// same address can then change the database, which cannot be said of a server that does not answer.
  public var isServerDown: Bool { isRefused || (underlying as? PostgreSQLError)?.isServerDown ?? false }

  /// Whether every host of the connection string refused the connection.
  var isRefused = false

  /// The server's source function, which is not translated, unlike the message.
  var serverRoutine: String?
  /// Whether the server ends the session after this error.
  var isFatal = false

  /// Creates an error; other properties can be set afterwards.
  public init(
    _ kind: Kind, _ message: String, sqlState: SQLState? = nil, underlying: (any Error)? = nil
  ) {
    self.kind = kind
    self.message = message
    self.sqlState = sqlState
    self.underlying = underlying
  }

  /// Whether the database is unreachable or too slow for now, so that a later retry may succeed.
  public var isConnectionProblem: Bool {
    switch kind {
    case .connectionFailed, .connectionLost, .connectionClosed, .acquireTimeout, .poolClosed,
      .statementTimeout, .commitUnconfirmed, .writesSuspended:
      return true
    case .server:
      guard let sqlState else { return false }
      return sqlState.conditionClass == "08" || sqlState.conditionClass == "53"
        || sqlState.rawValue.hasPrefix("57P")
    default: return false
    }
  }

  /// A copy with the call site, unless it has one.
  func located(query: String?, file: String?, line: Int?) -> PostgreSQLError {
    var copy = self
    copy.query = copy.query ?? query
    copy.file = copy.file ?? file
    copy.line = copy.line ?? line
    return copy
  }
}

extension PostgreSQLError: CustomStringConvertible {
  /// Kind, code, message and call site on one line. It contains no bound values, and no detail message that could contain values
  /// of a row.
  public var description: String {
    var text = "PostgreSQLError(\(kind)"
    if let sqlState { text += " \(sqlState)" }
    text += "): \(message)"
    if let detail, sqlState.map({ Self.withoutValues.contains(String($0.conditionClass)) }) ?? true {
      text += " [\(detail)]"
    }
    if let constraint { text += " constraint=\(constraint)" }
    if let query { text += " query=\(query)" }
    if let file, let line { text += " at \(file):\(line)" }
    if let underlying { text += " caused by \(underlying)" }
    return text
  }
  /// The condition classes (manual, appendix A) whose detail message is about sessions, locks or names. The detail of a
  /// constraint violation (23) contains the row, that of invalid data (22) the value; other classes are unknown.
  private static let withoutValues: Set<String> = [
    "08", "0A", "25", "28", "2B", "3D", "40", "42", "53", "54", "55", "57", "58",
  ]
}
