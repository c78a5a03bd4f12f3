internal import CLibPQ

/// Hashing of passwords.
extension Connection {
  /// Computes the SCRAM-SHA-256 verifier of a role's password, which `ALTER ROLE … PASSWORD` accepts in its place, so that the
  /// password never reaches the server or its log (manual, 34.1, PQencryptPasswordConn).
  ///
  /// - Throws: ``PostgreSQLError`` of kind `encoding` for an invalid password, such as an empty one, or `connectionClosed`.
  public func verifier(ofPassword password: String, for role: String) async throws -> String {
    let id = OperationID.next()
    try await enter(id, ignoresCancellation: true)
    let result = makeVerifier(password, role)
    await finish(id)
    return try result.get()
  }

  private func makeVerifier(_ password: String, _ role: String) -> Result<String, PostgreSQLError> {
    guard let libpq else {
      return .failure(closedError)
    }
    guard !password.isEmpty, !password.utf8.contains(0) else {
      return .failure(PostgreSQLError(.encoding, "a password is not empty and has no zero byte"))
    }
    // With the algorithm given, libpq makes no query to the server.
    guard let text = PQencryptPasswordConn(libpq.connection, password, role, "scram-sha-256") else {
      return .failure(PostgreSQLError(.encoding, libpq.errorMessage))
    }
    defer { PQfreemem(text) }
    return .success(String(cString: text))
  }
}
