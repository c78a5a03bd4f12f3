internal import Synchronization

/// The isolation level of a transaction (manual, 13.2).
public enum IsolationLevel: String, Sendable {
  /// Each statement sees the rows that were committed before it.
  case readCommitted = "READ COMMITTED"
  /// All statements see the rows that were committed before the first.
  case repeatableRead = "REPEATABLE READ"
  /// Transactions behave as if they ran one after the other; callers must retry SQLSTATE 40001.
  case serializable = "SERIALIZABLE"
}

/// The state of a transaction, shared by all copies of its ``Transaction``.
final class TransactionContext: Sendable {
  enum Phase: Sendable {
    /// No statement has been sent; the first one sends these before it.
    case pending([Query])
    case open
    /// BEGIN failed, or the transaction has ended, so that no statement may run in it.
    case dead
  }

  private struct State {
    var phase: Phase
    var callbacks: [@Sendable (Bool) -> Void] = []
  }

  private let state: LockedValueBox<State>
  let savepoints = Atomic<Int>(0)
  let isReadOnly: Bool

  init(_ setup: [Query], _ isolation: IsolationLevel?, readOnly: Bool) {
    var begin = "BEGIN"
    if let isolation { begin += " ISOLATION LEVEL \(isolation.rawValue)" }
    if readOnly { begin += " READ ONLY" }
    isReadOnly = readOnly
    state = LockedValueBox(State(phase: .pending([Query(unsafeSQL: begin)] + setup)))
  }

  var phase: Phase {
    get { state.withLock(\.phase) }
    set { state.withLock { $0.phase = newValue } }
  }

  func onCompletion(_ callback: @escaping @Sendable (Bool) -> Void) {
    state.withLock { $0.callbacks.append(callback) }
  }

  /// Calls the completion callbacks, once.
  func ended(mayBeCommitted: Bool) {
    let waiting = state.withLock { state in
      defer { state.callbacks = [] }
      return state.callbacks
    }
    for callback in waiting { callback(mayBeCommitted) }
  }
}

/// A running transaction, valid inside the closure of `transaction` alone.
public struct Transaction: QueryExecutor {
  let connection: Connection
  let context: TransactionContext
  /// The latest end of its statements.
  var deadline: ContinuousClock.Instant?

  /// The same transaction with a deadline for its statements, except COPY and scripts. After it they fail with an error of kind
  /// `statementTimeout`, and a server that has not reacted a second later loses the connection.
  public func limited(to limit: Duration) -> Transaction {
    var limited = self
    limited.deadline = min(deadline ?? .now + limit, .now + limit)
    return limited
  }

  /// Calls `callback` once the transaction has ended. `mayBeCommitted` is true after a commit, and also if the outcome is unknown
  /// because the connection broke at COMMIT.
  public func onCompletion(_ callback: @escaping @Sendable (_ mayBeCommitted: Bool) -> Void) {
    context.onCompletion(callback)
  }

  /// Runs one statement.
  @discardableResult
  public nonisolated(nonsending) func query(_ query: Query, file: String, line: Int) async throws
    -> QueryResult
  {
    try await first(
      connection.run([query], Call(sql: query.sql, file: file, line: line).before(deadline), in: context))
  }

  /// Sends all statements together.
  @discardableResult
  public nonisolated(nonsending) func pipeline(_ queries: [Query], file: String, line: Int) async throws
    -> [QueryResult]
  {
    try await connection.run(queries, Call(sql: nil, file: file, line: line).before(deadline), in: context)
  }

  /// Runs a COPY … FROM STDIN.
  @discardableResult
  public nonisolated(nonsending) func copyIn(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyInWriter) async throws -> Void
  ) async throws -> Int {
    try await connection.copyIn(query, Call(sql: query.sql, file: file, line: line), context, body)
  }

  /// Runs a COPY … TO STDOUT.
  public nonisolated(nonsending) func copyOut<T>(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T {
    try await connection.copyOut(query, Call(sql: query.sql, file: file, line: line), context, body)
  }

  /// Runs a text of several statements by the simple protocol, without parameters and results.
  public nonisolated(nonsending) func execute(
    script: String, file: String = #fileID, line: Int = #line
  ) async throws {
    try await connection.execute(script, Call(sql: nil, file: file, line: line), in: context)
  }

  /// Runs the closure after a savepoint. If the closure throws, its effects alone are rolled back, and the transaction can
  /// continue.
  public nonisolated(nonsending) func savepoint<T>(
    file: String = #fileID, line: Int = #line,
    _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    let name = "s\(context.savepoints.wrappingAdd(1, ordering: .relaxed).newValue)"
    var call = Call(sql: nil, file: file, line: line).before(deadline)
    _ = try await connection.run([Query(unsafeSQL: "SAVEPOINT \(name)")], call, in: context)
    do {
      let result = try await body(self)
      _ = try await connection.run([Query(unsafeSQL: "RELEASE \(name)")], call, in: context)
      return result
    } catch {
      call.ignoresCancellation = true
      _ = try await connection.run(
        [Query(unsafeSQL: "ROLLBACK TO \(name)"), Query(unsafeSQL: "RELEASE \(name)")], call, in: context)
      throw error
    }
  }
}
