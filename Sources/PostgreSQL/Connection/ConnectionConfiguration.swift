internal import CLibPQ

/// Where the server is and how to talk to it.
public struct ConnectionConfiguration: Sendable {
  /// libpq's keywords and values (manual, 34.1.2): host, port, user, dbname, password, sslmode, options, … What is not
  /// said of ``keepaliveDefaults`` is added when connecting.
  public var parameters: [String: String]
  /// How a peer that has vanished without a word is noticed over TCP: an idle connection is tried after 10 s and given up
  /// after 25, one with something on its way after 15 (manual, 34.1.2; tcp(7)). The system's own limits are hours.
  public static let keepaliveDefaults = [
    "keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000",
  ]

  /// How long connecting may take, name resolution and authentication included.
  public var connectTimeout: Duration = .seconds(10)
  /// How long a query or pipeline may take before it is cancelled on the server; ROLLBACK too, so that a server that has
  /// fallen silent holds nobody up. COPY and scripts are exempt.
  public var statementTimeout: Duration?
  /// How long a COMMIT, or a pipeline that ends with one, may take where its caller names no shorter time. A COMMIT is never
  /// cancelled, since PostgreSQL would commit without its synchronous standby (manual, 27.2.8): the session is severed, and
  /// the outcome is unknown.
  public var commitTimeout: Duration = .seconds(30)
  /// A refusal to connect says that no server runs that takes writes (``PostgreSQLError/isServerDown``). Not so behind a pooler,
  /// which can be restarted by itself, and on a standby, whose primary goes on.
  public var connectsDirectlyToPrimary = true
  /// Refuses transactions that write while commits are not confirmed; shared by all connections to one server.
  public var commitBreaker: CommitCircuitBreaker?
  /// How long a cancelled statement may still take before its connection is given up.
  public var cancelTimeout: Duration = .seconds(5)
  /// What runs once on every new connection before it is handed out, such as `SET ROLE …`.
  public var sessionSetup: [Query] = []
  /// How many prepared statements a connection keeps. 0 prepares none, which PgBouncer before 1.21 needs in
  /// transaction mode: there the next statement may run in another session.
  public var statementCacheCapacity = 256
  /// Told of every statement before it is sent, with the place in the source that asks for it: for tests and tracing.
  public var observer: (@Sendable (_ query: Query, _ file: String, _ line: Int) -> Void)?

  /// Takes a URI (`postgresql://…`) or a keyword/value string, checked by libpq itself.
  ///
  /// Throws a ``PostgreSQLError`` of kind `invalidConfiguration`.
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

  /// Takes libpq's keywords and values.
  public init(parameters: [String: String]) { self.parameters = parameters }
}
