import EmbeddedPostgres
import Logging
import PostgreSQL
import VerdictCore

/// The connection parameters of an installation, for migrations and for the server's work.
struct Installation: Sendable {
  /// Connects as the owner of the tables.
  var admin: ConnectionConfiguration
  /// Connects as `verdict_app`, the role that row-level security restricts.
  var app: ConnectionConfiguration
  /// Connects as `verdict_app` directly to PostgreSQL, for notifications.
  var listening: ConnectionConfiguration

  /// Creates the parameters for the operator's database.
  ///
  /// The server works as `verdict_app` whichever user the URL names: each connection runs SET ROLE, so that the URL of a
  /// superuser or owner does not bypass row-level security. A URL that names `verdict_app` itself cannot reset the role and is the
  /// right one for production.
  ///
  /// - Parameters:
  ///   - listenURL: a direct URL, if `url` leads to a pooler in transaction mode. SET ROLE would remain in sessions that other
  ///     clients use, so that `url` must then name `verdict_app`.
  ///   - preparedStatements: the number of prepared statements per connection; 0 for a pooler that does not support them.
  init(url: String, listenURL: String? = nil, preparedStatements: Int? = nil) throws {
    admin = try ConnectionConfiguration(uri: url)
    if let preparedStatements { admin.statementCacheCapacity = preparedStatements }
    app = Self.asApp(admin)
    listening = try listenURL.map { Self.asApp(try ConnectionConfiguration(uri: $0)) } ?? app
    if listenURL != nil, !app.sessionSetup.isEmpty { throw RoleBehindPooler() }
    // Behind a pooler, settings would remain in sessions that other clients use.
    if listenURL == nil { app.sessionSetup.append(Self.bounds) }
    app.connectsDirectlyToPrimary = listenURL == nil
    listening.sessionSetup.append(Self.bounds)
  }

  /// Session settings that bound waiting. A session whose client has gone ends within seconds, unless it is committing (manual,
  /// client_connection_check_interval). A wait for a lock ends after a minute (manual, lock_timeout).
  private static let bounds: Query = """
    SELECT set_config('client_connection_check_interval', '2s', false), set_config('lock_timeout', '60s', false)
    """

  /// Creates the parameters for the private PostgreSQL.
  init(_ cluster: ClusterConnections) {
    admin = ConnectionConfiguration(parameters: cluster.admin)
    app = ConnectionConfiguration(parameters: cluster.app)
    app.sessionSetup.append(Self.bounds)
    listening = app
  }

  /// A copy with one commit circuit breaker for all connections of this process.
  ///
  /// - Parameter connections: the maximum number of writing connections.
  func withCommitBreaker(connections: Int, logger: Logger) -> Installation {
    var installation = self
    let breaker = CommitCircuitBreaker(connections: connections, logger: logger)
    installation.app.commitBreaker = breaker
    installation.listening.commitBreaker = breaker
    return installation
  }

  private static func asApp(_ configuration: ConnectionConfiguration) -> ConnectionConfiguration {
    var app = configuration
    if app.parameters["user"] != "verdict_app" { app.sessionSetup.append("SET ROLE verdict_app") }
    return app
  }

  /// Applies the missing migrations.
  ///
  /// - Parameter timeout: how long a migration is retried while other sessions hold locks.
  /// - Returns: the names of the applied migrations.
  func migrate(timeout: Duration = .seconds(600), logger: Logger) async throws -> [String] {
    try await migrating(timeout: timeout, logger) { try await $0.migrate($1) }
  }

  /// Runs the closure with a migrator and a connection as the owner of the tables.
  func migrating<T>(
    timeout: Duration = .seconds(600), _ logger: Logger,
    _ body: (SchemaMigrator, Connection) async throws -> T
  ) async throws -> T {
    var owner = admin
    // A standby may take long to apply the changes of a migration.
    owner.commitTimeout = .seconds(600)
    let connection = try await Connection.connect(owner, logger: logger)
    do {
      let result = try await body(SchemaMigrator(timeout: timeout, logger: logger), connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }
}

/// The URL leads to a pooler and names a user other than `verdict_app`. Behind a pooler SET ROLE is impossible, because sessions
/// are shared.
struct RoleBehindPooler: Error, CustomStringConvertible {
  var description: String {
    "with DATABASE_LISTEN_URL set, DATABASE_URL leads to a pooler and must name the user verdict_app"
  }
}

extension DatabaseOptions {
  /// The connection parameters for the database at `url` and these options.
  func installation(_ url: String) throws -> Installation {
    try Installation(url: url, listenURL: listenAt, preparedStatements: statements())
  }

  /// Runs the closure of a short command on the operator's database or on the private PostgreSQL. The latter is started for the
  /// command if no server runs it, and migrated if needed.
  func withDatabase<T: Sendable>(_ body: (Database) async throws -> T) async throws -> T {
    let logger = try commandLogger()
    if let url {
      return try await Self.with(installation(url), logger, body)
    }
    return try await PrivatePostgreSQL.withCluster(in: directory, logger: logger) { cluster in
      let installation = Installation(cluster)
      _ = try await installation.migrate(logger: logger)
      return try await Self.with(installation, logger, body)
    }
  }

  private static func with<T: Sendable>(
    _ installation: Installation, _ logger: Logger, _ body: (Database) async throws -> T
  ) async throws -> T {
    let configuration = ConnectionPool.Configuration(connection: installation.app, maximum: 2)
    let pool = ConnectionPool(configuration, logger: logger)
    do {
      let result = try await body(Database(pool: pool))
      await pool.close()
      return result
    } catch {
      await pool.close()
      throw error
    }
  }
}
