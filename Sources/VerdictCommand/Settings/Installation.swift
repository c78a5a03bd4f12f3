import EmbeddedPostgres
import Logging
import PostgreSQL
import VerdictCore

/// How the commands connect: as whom to migrate, and as whom to work.
struct Installation: Sendable {
  /// Owner of the tables.
  var admin: ConnectionConfiguration
  /// The role that row-level security binds.
  var app: ConnectionConfiguration
  /// The same straight to PostgreSQL, where notifications arrive.
  var listening: ConnectionConfiguration

  /// The database that the operator runs.
  ///
  /// The server works as `verdict_app` whoever the URL names: each connection takes that role, so that a superuser's or
  /// an owner's URL does not pass row-level security by. A URL that names `verdict_app` itself leaves no way back and
  /// is the one for production.
  ///
  /// - Parameters:
  ///   - listenURL: the way past a pooler that gives each transaction another session, if `url` leads to one. There a
  ///     role that a connection takes would stay with a session that others use, so `url` must name `verdict_app`.
  ///   - preparedStatements: how many a connection keeps; 0 for a pooler that does not follow them.
  init(url: String, listenURL: String? = nil, preparedStatements: Int? = nil) throws {
    admin = try ConnectionConfiguration(uri: url)
    if let preparedStatements { admin.statementCacheCapacity = preparedStatements }
    app = Self.asApp(admin)
    listening = try listenURL.map { Self.asApp(try ConnectionConfiguration(uri: $0)) } ?? app
    if listenURL != nil, !app.sessionSetup.isEmpty { throw RoleBehindPooler() }
    // Behind a pooler a setting would stay with a session that others use.
    if listenURL == nil { app.sessionSetup.append(Self.bounds) }
    app.connectsDirectlyToPrimary = listenURL == nil
    listening.sessionSetup.append(Self.bounds)
  }

  /// Session settings that bound waiting: a session whose client has gone ends within seconds unless it is committing (manual,
  /// client_connection_check_interval), and waiting for a lock ends after a minute (manual, lock_timeout).
  private static let bounds: Query = """
    SELECT set_config('client_connection_check_interval', '2s', false), set_config('lock_timeout', '60s', false)
    """

  /// The private PostgreSQL.
  init(_ cluster: ClusterConnections) {
    admin = ConnectionConfiguration(parameters: cluster.admin)
    app = ConnectionConfiguration(parameters: cluster.app)
    app.sessionSetup.append(Self.bounds)
    listening = app
  }

  /// The same, with one circuit breaker for all connections of this process that work on the database.
  ///
  /// - Parameter connections: how many of them write at the most.
  func breaking(connections: Int, logger: Logger) -> Installation {
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

  /// Applies the migrations that are missing.
  ///
  /// - Parameter patience: for how long locks that others hold are tried for.
  /// - Returns: the names of those that were.
  func migrate(timeout: Duration = .seconds(600), logger: Logger) async throws -> [String] {
    try await migrating(timeout: timeout, logger) { try await $0.migrate($1) }
  }

  /// Looks at the database's migrations, or applies some, as the owner of the tables.
  func migrating<T>(
    timeout: Duration = .seconds(600), _ logger: Logger, _ body: (Migrator, Connection) async throws -> T
  ) async throws -> T {
    var owner = admin
    // A standby may need long to take in what a migration has written.
    owner.commitTimeout = .seconds(600)
    let connection = try await Connection.connect(owner, logger: logger)
    do {
      let result = try await body(Migrator(Migrations.all, timeout: timeout, logger: logger), connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }
}

/// Behind a pooler no session is a connection's own, so that none can take a role.
struct RoleBehindPooler: Error, CustomStringConvertible {
  var description: String {
    "with DATABASE_LISTEN_URL, DATABASE_URL leads to a pooler and must name the user verdict_app"
  }
}

extension DatabaseOptions {
  /// How to connect to the database at `url` by these options.
  func installation(_ url: String) throws -> Installation {
    try Installation(url: url, listenURL: listenAt, preparedStatements: statements())
  }

  /// Runs a short command's work on the database: the operator's, or the private one, which is started for that time
  /// if no server holds it, and migrated if that is due.
  func withDatabase<T: Sendable>(
    _ logger: Logger, _ body: (Database) async throws -> T
  ) async throws -> T {
    if let url {
      return try await Self.with(installation(url), logger, body)
    }
    return try await EmbeddedCluster.withCluster(dataDirectory: directory, logger: logger) { cluster in
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
