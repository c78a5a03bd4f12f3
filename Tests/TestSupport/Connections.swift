public import Logging
public import PostgreSQL

/// Runs the closure with a connection of its own.
public func withConnection<T>(
  _ configuration: ConnectionConfiguration, _ body: (Connection) async throws -> T
) async throws -> T {
  let connection = try await Connection.connect(configuration)
  return try await withCleanup {
    await connection.close()
  } _: {
    try await body(connection)
  }
}

/// Runs the closure with a pool of its own.
public func withPool<T>(
  _ configuration: ConnectionPool.Configuration, logger: Logger = .quiet,
  _ body: (ConnectionPool) async throws -> T
) async throws -> T {
  let pool = ConnectionPool(configuration, logger: logger)
  return try await withCleanup {
    await pool.close()
  } _: {
    try await body(pool)
  }
}

extension Logger {
  /// Logs nothing below `critical`.
  public static var quiet: Logger {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }
}

/// Locks a table in `mode` while the closure runs, so that transactions that need it otherwise wait.
public func holding<T>(
  _ table: String, in mode: String = "ACCESS EXCLUSIVE", of database: ConnectionConfiguration,
  _ body: () async throws -> T
) async throws -> T {
  try await withConnection(database) { holder in
    try await holder.query("BEGIN")
    try await holder.query("LOCK TABLE \(identifier: table) IN \(unescaped: mode) MODE")
    return try await body()
  }
}

extension ConnectionConfiguration {
  /// Waits until another session of the database meets a condition on `pg_stat_activity`.
  public func waitForSession(where condition: String) async throws {
    try await withConnection(self) { connection in
      try await eventually {
        try await connection.query(
          """
          SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
            AND pid <> pg_backend_pid() AND (\(unescaped: condition)))
          """
        ).first?.decode(Bool.self) == true
      }
    }
  }

  /// Waits until another session runs `pg_sleep`.
  public func waitForSleep() async throws { try await waitForSession(where: "wait_event = 'PgSleep'") }

  /// Waits until another session waits for a lock.
  public func waitForLock() async throws { try await waitForSession(where: "wait_event_type = 'Lock'") }
}
