import Logging
import PostgreSQL

/// Sets up the role `verdict_app`, which servers use on the operator's database.
enum AppRole {
  /// Lets `verdict_app` log in with a password.
  ///
  /// PostgreSQL may log statements with their values, so it receives the SCRAM verifier and never the password.
  static func allowLogin(password: String, as admin: ConnectionConfiguration, logger: Logger) async throws {
    let connection = try await Connection.connect(admin, logger: logger)
    do {
      let verifier = try await connection.verifier(ofPassword: password, for: "verdict_app")
      // The verifier becomes part of the SQL, since the statement takes no parameters, so its characters are checked.
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
