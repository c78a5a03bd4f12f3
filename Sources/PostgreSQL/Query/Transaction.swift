internal import Synchronization

/// How much transactions see of each other (manual, 13.2).
public enum IsolationLevel: String, Sendable {
  /// Each statement sees what was committed before it.
  case readCommitted = "READ COMMITTED"
  /// All statements see what was committed before the first.
  case repeatableRead = "REPEATABLE READ"
  /// As if transactions ran one after the other; be ready for SQLSTATE 40001.
  case serializable = "SERIALIZABLE"
}

/// The state of a transaction.
final class TransactionContext: Sendable {
  enum Phase: Sendable {
    /// Nothing is sent yet; the first statement takes these along.
    case pending([Query])
    case open
    /// BEGIN failed, or it is over: nothing may run as if it were inside.
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

  /// Tells those who wait for the end, once.
  func ended(mayBeCommitted: Bool) {
    let waiting = state.withLock { state in
      defer { state.callbacks = [] }
      return state.callbacks
    }
    for callback in waiting { callback(mayBeCommitted) }
  }
}

/// A running transaction; not to be used after the closure that it was given to.
public struct Transaction: QueryExecutor {
  let connection: Connection
  let context: TransactionContext
  /// Before when its statements must be done.
  var deadline: ContinuousClock.Instant?

  /// The same transaction, in which what is run must be done within a time. After that it fails with an error of kind
  /// `statementTimeout`, and a server that has not reacted a second later loses the connection. COPY and scripts are
  /// exempt.
  public func limited(to limit: Duration) -> Transaction {
    var limited = self
    limited.deadline = min(deadline ?? .now + limit, .now + limit)
    return limited
  }

  /// Calls back once the transaction is over, with whether it was committed; also true where that is unknown, since the
  /// connection broke at COMMIT.
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

  /// Sends all statements at once.
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

  /// Runs several statements in one text (simple protocol), without parameters and results.
  public nonisolated(nonsending) func execute(
    script: String, file: String = #fileID, line: Int = #line
  ) async throws {
    try await connection.execute(script, Call(sql: nil, file: file, line: line), in: context)
  }

  /// Runs the closure after a savepoint: if it throws, only what it did is rolled back, and the transaction can
  /// go on.
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
