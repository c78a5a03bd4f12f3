internal import CLibPQ

extension Connection {
  /// What the server keeps of a role's password, made here so that the password itself never reaches the server or its log:
  /// a SCRAM-SHA-256 verifier, which `ALTER ROLE … PASSWORD` takes in the password's place (manual, 34.1,
  /// PQencryptPasswordConn).
  ///
  /// - Throws: ``PostgreSQLError`` of kind `encoding` for a password that cannot be one, such as an empty one;
  ///   `connectionClosed`.
  public func verifier(ofPassword password: String, for role: String) async throws -> String {
    let id = OperationID.next()
    try await enter(id, ignoresCancellation: true)
    let result = makeVerifier(password, role)
    await finish(id)
    return try result.get()
  }

  private func makeVerifier(_ password: String, _ role: String) -> Result<String, PostgreSQLError> {
    guard let libpq else {
      return .failure(failure ?? PostgreSQLError(.connectionClosed, "the connection is closed"))
    }
    guard !password.isEmpty, !password.utf8.contains(0) else {
      return .failure(PostgreSQLError(.encoding, "a password is not empty and has no zero byte"))
    }
    // With the algorithm named, libpq asks the server nothing.
    guard let text = PQencryptPasswordConn(libpq.connection, password, role, "scram-sha-256") else {
      return .failure(PostgreSQLError(.encoding, libpq.errorMessage))
    }
    defer { PQfreemem(text) }
    return .success(String(cString: text))
  }
}
