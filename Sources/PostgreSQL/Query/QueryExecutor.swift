/// What can run statements: a ``Connection`` or a ``Transaction``.
///
/// All errors are ``PostgreSQLError``s, but for those that a closure throws itself.
public protocol QueryExecutor: Sendable {
  /// Runs one statement, prepared and kept by the connection.
  @discardableResult
  nonisolated(nonsending) func query(_ query: Query, file: String, line: Int) async throws -> QueryResult

  /// Sends all statements at once, with one Sync at the end: one round trip, and outside a transaction one
  /// implicit transaction. The first error fails the whole.
  @discardableResult
  nonisolated(nonsending) func pipeline(_ queries: [Query], file: String, line: Int) async throws
    -> [QueryResult]

  /// Runs a COPY … FROM STDIN with the data that the closure writes. An error thrown inside aborts the COPY.
  /// Returns the number of rows. Parameters are written into the SQL as literals.
  @discardableResult
  nonisolated(nonsending) func copyIn(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyInWriter) async throws -> Void
  ) async throws -> Int

  /// Runs a COPY … TO STDOUT and hands its data to the closure as it comes; the server waits while the closure
  /// does. Leaving before the end cancels the statement on the server, which inside a transaction aborts
  /// the transaction. Parameters are written into the SQL as literals.
  nonisolated(nonsending) func copyOut<T>(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T
}

extension QueryExecutor {
  /// Runs one statement, prepared and kept by the connection.
  @discardableResult
  public nonisolated(nonsending) func query(
    _ query: Query, callerFile: String = #fileID, callerLine: Int = #line
  ) async throws -> QueryResult {
    try await self.query(query, file: callerFile, line: callerLine)
  }

  /// Sends all statements at once, with one Sync at the end.
  @discardableResult
  public nonisolated(nonsending) func pipeline(
    _ queries: [Query], callerFile: String = #fileID, callerLine: Int = #line
  ) async throws -> [QueryResult] {
    try await pipeline(queries, file: callerFile, line: callerLine)
  }

  /// Runs a COPY … FROM STDIN with the data that the closure writes.
  @discardableResult
  public nonisolated(nonsending) func copyIn(
    _ query: Query, callerFile: String = #fileID, callerLine: Int = #line,
    _ body: nonisolated(nonsending) (CopyInWriter) async throws -> Void
  ) async throws -> Int {
    try await copyIn(query, file: callerFile, line: callerLine, body)
  }

  /// Runs a COPY … TO STDOUT and hands its data to the closure as it comes.
  public nonisolated(nonsending) func copyOut<T>(
    _ query: Query, callerFile: String = #fileID, callerLine: Int = #line,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T {
    try await copyOut(query, file: callerFile, line: callerLine, body)
  }
}

extension Connection: QueryExecutor {
  /// Runs one statement, prepared and kept by the connection.
  @discardableResult
  public nonisolated(nonsending) func query(_ query: Query, file: String, line: Int) async throws
    -> QueryResult
  {
    try await first(run([query], Call(sql: query.sql, file: file, line: line)))
  }

  /// Sends all statements at once, with one Sync at the end.
  @discardableResult
  public nonisolated(nonsending) func pipeline(_ queries: [Query], file: String, line: Int) async throws
    -> [QueryResult]
  {
    try await run(queries, Call(sql: nil, file: file, line: line))
  }
}

/// The result of the only statement.
func first(_ results: [QueryResult]) throws -> QueryResult {
  guard let result = results.first else {
    throw PostgreSQLError(.protocolViolation, "a statement had no result")
  }
  return result
}
