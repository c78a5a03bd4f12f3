import Logging
import PostgreSQL

/// The role as which servers work, on a database that the operator runs.
enum AppRole {
  /// Lets `verdict_app` log in with a password.
  ///
  /// PostgreSQL may log statements with their values. So it gets what it would make of the password, and never the password.
  static func allowLogin(password: String, as admin: ConnectionConfiguration, logger: Logger) async throws {
    let connection = try await Connection.connect(admin, logger: logger)
    do {
      let verifier = try await connection.verifier(ofPassword: password, for: "verdict_app")
      // Of letters, digits and $:+/= alone; the statement takes no parameters.
      guard verifier.wholeMatch(of: #/SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+\/=]+\$[A-Za-z0-9+\/=:]+/#) != nil
      else {
        throw PostgreSQLError(.protocolViolation, "libpq made no SCRAM verifier")
      }
      try await connection.query("ALTER ROLE verdict_app LOGIN PASSWORD '\(unescaped: verifier)'")
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
  }
}
