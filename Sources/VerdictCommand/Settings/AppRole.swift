import Logging
import PostgreSQL

/// The role as which servers work, on a database that the operator runs.
enum AppRole {
  /// Lets `verdict_app` log in with a password.
  ///
  /// The statement takes no parameters and PostgreSQL may log it: the password is quoted by PostgreSQL itself
  /// (`format('%L')`) within a block, so that only the block's text without it could be logged.
  static func allowLogin(password: String, as admin: ConnectionConfiguration, logger: Logger) async throws {
    let connection = try await Connection.connect(admin, logger: logger)
    do {
      try await connection.transaction { tx in
        try await tx.query("SELECT set_config('verdict.app_password', \(password), true)")
        try await tx.query(
          """
          DO $$ BEGIN
            EXECUTE format('ALTER ROLE verdict_app LOGIN PASSWORD %L', current_setting('verdict.app_password'));
          END $$
          """)
      }
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
  }
}
