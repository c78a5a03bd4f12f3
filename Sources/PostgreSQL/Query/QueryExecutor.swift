/// A type that runs statements: ``Connection`` or ``Transaction``.
///
/// All errors are ``PostgreSQLError``s, except those thrown by closures of the caller.
public protocol QueryExecutor: Sendable {
  /// Runs one statement, which the connection prepares and caches.
  @discardableResult
  nonisolated(nonsending) func query(_ query: Query, file: String, line: Int) async throws -> QueryResult

  /// Sends all statements together with one Sync at the end: one round trip, and one implicit transaction unless a transaction
  /// is open. The first error fails the whole pipeline.
  @discardableResult
  nonisolated(nonsending) func pipeline(_ queries: [Query], file: String, line: Int) async throws
    -> [QueryResult]

  /// Runs a COPY … FROM STDIN with the data that the closure writes, and returns the number of rows. An error thrown in the
  /// closure aborts the COPY. Parameters become literals in the SQL.
  @discardableResult
  nonisolated(nonsending) func copyIn(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyInWriter) async throws -> Void
  ) async throws -> Int

  /// Runs a COPY … TO STDOUT and streams its data to the closure, with back-pressure. If the closure returns before the end, the
  /// statement is cancelled on the server, which aborts an enclosing transaction. Parameters become literals in the SQL.
  nonisolated(nonsending) func copyOut<T>(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T
}

extension QueryExecutor {
  /// Runs one statement, which the connection prepares and caches.
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

  /// Runs a COPY … TO STDOUT and streams its data to the closure.
  public nonisolated(nonsending) func copyOut<T>(
    _ query: Query, callerFile: String = #fileID, callerLine: Int = #line,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T {
    try await copyOut(query, file: callerFile, line: callerLine, body)
  }
}

extension Connection: QueryExecutor {
  /// Runs one statement, which the connection prepares and caches.
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

/// The result of a single statement.
func first(_ results: [QueryResult]) throws -> QueryResult {
  guard let result = results.first else {
    throw PostgreSQLError(.protocolViolation, "a statement had no result")
  }
  return result
}
