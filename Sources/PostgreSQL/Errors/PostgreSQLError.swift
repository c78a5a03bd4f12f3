/// What went wrong between this client and a PostgreSQL server.
public struct PostgreSQLError: Error, Sendable {
  /// The kind decides what a caller can do about it.
  public enum Kind: Sendable, Hashable {
    /// The configuration is no valid connection string.
    case invalidConfiguration
    /// No connection came about (refused, unknown host, wrong password, timeout).
    case connectionFailed
    /// An established connection broke; whether the statement took effect is unknown.
    case connectionLost
    /// The connection was closed by this program.
    case connectionClosed
    /// The server answered with an error; ``PostgreSQLError/sqlState`` says which.
    case server
    /// The client's statement timeout ran out and the statement was cancelled on the server.
    case statementTimeout
    /// No connection of the pool became free in time.
    case acquireTimeout
    /// The task was cancelled, and with it the statement on the server.
    case cancelled
    /// The pool is shutting down.
    case poolClosed
    /// COMMIT found the transaction aborted by an earlier error: nothing was stored.
    case transactionAborted
    /// The transaction is committed on this server, which gave up waiting for its synchronous standby: should that take
    /// over, the transaction is lost (manual, 27.2.8).
    case commitUnconfirmed
    /// The server confirms no commits for now, so that a transaction that writes was not begun: see
    /// ``CommitCircuitBreaker``.
    case writesSuspended
    /// A value could not be encoded.
    case encoding
    /// A value could not be decoded into the asked type.
    case decoding
    /// The server or libpq did what the protocol does not allow at that point.
    case protocolViolation
    /// The call is not possible in this state, such as a query while a COPY of the same connection is running.
    case misuse
  }

  /// The kind decides what a caller can do about it.
  public var kind: Kind
  /// The server's condition code, where the server said so.
  public var sqlState: SQLState?
  /// One line for people, without a trailing line break.
  public var message: String
  /// The server's second, longer line.
  public var detail: String?
  /// What the server suggests.
  public var hint: String?
  /// The constraint that was violated.
  public var constraint: String?
  /// The schema of ``table``.
  public var schema: String?
  /// The table it is about.
  public var table: String?
  /// The column it is about.
  public var column: String?
  /// Where in ``query`` the error lies: characters from 1.
  public var position: Int?
  /// The SQL text, without its values.
  public var query: String?
  /// The calling file (`#fileID`).
  public var file: String?
  /// The calling line.
  public var line: Int?
  /// The error behind this one.
  public var underlying: (any Error)?

  /// The connection broke, or was severed, while a COMMIT was on its way, or the commit was not confirmed by the standby: the
  /// transaction may have taken effect or not, and may be lost with its server.
  public var isOutcomeUnknown = false

  /// No server runs where the connection leads: it was refused there, or by a server that starts, stops or recovers. Whoever
  /// leads to the same place cannot change the database either, which is more than can be said of one that does not answer.
  public var isServerDown: Bool { isRefused || (underlying as? PostgreSQLError)?.isServerDown ?? false }

  /// The attempt to connect was refused at every place of the connection string.
  var isRefused = false

  /// The server's source function, which unlike the message is never translated.
  var serverRoutine: String?
  /// The server ends the session after this error.
  var isFatal = false

  /// An error with its kind and message; the rest can be set afterwards.
  public init(
    _ kind: Kind, _ message: String, sqlState: SQLState? = nil, underlying: (any Error)? = nil
  ) {
    self.kind = kind
    self.message = message
    self.sqlState = sqlState
    self.underlying = underlying
  }

  /// The database cannot be reached now, or does not answer in time, and may later: the caller's answer is 503, or a retry.
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

  /// The same error, knowing which call it came from.
  func located(query: String?, file: String?, line: Int?) -> PostgreSQLError {
    var copy = self
    copy.query = copy.query ?? query
    copy.file = copy.file ?? file
    copy.line = copy.line ?? line
    return copy
  }
}

extension PostgreSQLError: CustomStringConvertible {
  /// Kind, code, message and place on one line; never a bound value, nor the values of a row that the server's second line
  /// tells with some conditions.
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
  /// The classes of conditions (manual, appendix A) whose second line is about the session, locks or names. That of a
  /// constraint violation (23) shows the row, that of bad data (22) the datum; of what is not listed nothing is known.
  private static let withoutValues: Set<String> = [
    "08", "0A", "25", "28", "2B", "3D", "40", "42", "53", "54", "55", "57", "58",
  ]
}
