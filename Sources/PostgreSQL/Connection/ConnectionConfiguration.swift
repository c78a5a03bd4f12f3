internal import CLibPQ

/// The parameters of a connection: where the server is, timeouts, and session setup.
public struct ConnectionConfiguration: Sendable {
  /// libpq's keywords and values (manual, 34.1.2): host, port, user, dbname, password, sslmode, options, … Missing
  /// ``keepaliveDefaults`` are added when connecting.
  public var parameters: [String: String]
  /// TCP keepalive parameters that detect a silently lost peer: an idle connection is probed after 10 s and closed after 25 s,
  /// one with unacknowledged data after 15 s (manual, 34.1.2; tcp(7)). The system's own limits are hours.
  public static let keepaliveDefaults = [
    "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000",
  ]

  /// Timeout for connecting, name resolution and authentication included.
  public var connectTimeout: Duration = .seconds(10)
  /// Timeout of a query, a pipeline or ROLLBACK, after which the statement is cancelled on the server. COPY and scripts are
  /// exempt.
  public var statementTimeout: Duration?
  /// Timeout of a COMMIT, or of a pipeline that ends with one, unless its caller gives a shorter one. A COMMIT is never
  /// cancelled, since PostgreSQL would then commit without its synchronous standby (manual, 27.2.8). Instead the session is
  /// severed, and the outcome is unknown.
  public var commitTimeout: Duration = .seconds(30)
  /// Whether the parameters lead to the primary directly, so that a refused connection means that no server accepts writes
  /// (``PostgreSQLError/isServerDown``). False behind a pooler, which restarts independently of the server, and for a standby.
  public var connectsDirectlyToPrimary = true
  /// Refuses writing transactions while commits are not confirmed; shared by all connections to one server.
  public var commitBreaker: CommitCircuitBreaker?
  /// How long a cancelled statement may still run before its connection is severed.
  public var cancelTimeout: Duration = .seconds(5)
  /// Statements that run once on every new connection before its first use, such as `SET ROLE …`.
  public var sessionSetup: [Query] = []
  /// The number of prepared statements that a connection keeps. 0 prepares none, which PgBouncer before 1.21 needs in transaction
  /// mode, where the next statement may run in another session.
  public var statementCacheCapacity = 256
  /// Called with every statement before it is sent, and with the call site, for tests and tracing.
  public var observer: (@Sendable (_ query: Query, _ file: String, _ line: Int) -> Void)?

  /// Parses a URI (`postgresql://…`) or a keyword/value string with libpq's own parser.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `invalidConfiguration`.
  public init(uri: String) throws {
    var message: UnsafeMutablePointer<CChar>?
    guard let options = PQconninfoParse(uri, &message) else {
      defer { PQfreemem(message) }
      throw PostgreSQLError(.invalidConfiguration, trimmed(message))
    }
    defer { PQconninfoFree(options) }
    parameters = [:]
    var option = options
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val {
        parameters[String(cString: keyword)] = String(cString: value)
      }
      option += 1
    }
  }

  /// Creates a configuration from libpq's keywords and values.
  public init(parameters: [String: String]) { self.parameters = parameters }
}
