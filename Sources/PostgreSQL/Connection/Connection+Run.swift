internal import CLibPQ

/// The call site of an operation, and its limits.
struct Call: Sendable {
  /// The SQL that errors report; nil for the failed statement's own.
  var sql: String?
  var file: String
  var line: Int
  /// Whether the operation runs to its end when the task is cancelled, as ROLLBACK must.
  var ignoresCancellation = false
  /// The latest end of the statements, beside the configured statement timeout.
  var deadline: ContinuousClock.Instant?
  /// How long a cancelled statement may still run before its connection is severed; `nil` for the configured time.
  var grace: Duration?

  /// A copy with a deadline of the caller, for whom a timely error matters more than keeping the connection.
  func before(_ deadline: ContinuousClock.Instant?) -> Call {
    guard let deadline else { return self }
    var call = self
    call.deadline = deadline
    call.grace = Self.grace
    return call
  }

  /// How long a server may take to react to the cancellation at a caller's deadline.
  static let grace = Duration.seconds(1)
}

extension Connection {
  /// Sends the statements together with one Sync at the end, and returns all results or throws the first error.
  func run(_ queries: [Query], _ call: Call, in context: TransactionContext? = nil) async throws
    -> [QueryResult]
  {
    if let observer = configuration.observer {
      for query in queries { observer(query, call.file, call.line) }
    }
    let id = OperationID.next()
    guard !call.ignoresCancellation else { return try await runAlone(queries, call, id, context) }
    return try await withTaskCancellationHandler {
      try await runAlone(queries, call, id, context)
    } onCancel: {
      interrupt(id, .cancelled)
    }
  }

  private func runAlone(
    _ queries: [Query], _ call: Call, _ id: UInt64, _ context: TransactionContext?
  ) async throws -> [QueryResult] {
    try await enter(id, ignoresCancellation: call.ignoresCancellation)
    if queries.endsWithCommit { return try await runCommitPipeline(queries, call, id, context) }
    let timer = scheduleTimeout(id, call)
    do {
      let results = try await exchange(queries, call, id, context)
      if let timer { loop.cancel(timer) }
      await finish(id)
      return results
    } catch {
      if let timer { loop.cancel(timer) }
      await finish(id)
      throw error
    }
  }

  /// Runs the statements, preceded by BEGIN and its setup if the transaction has not begun.
  func exchange(
    _ queries: [Query], _ call: Call, _ id: UInt64, _ context: TransactionContext?
  ) async throws -> [QueryResult] {
    guard let context else { return try await exchange(queries, call, id) }
    let prefix = try openTransaction(context)
    if prefix.isEmpty { return try await exchange(queries, call, id) }
    do {
      let results = try await exchange(prefix + queries, call, id)
      context.phase = .open
      return Array(results.dropFirst(prefix.count))
    } catch {
      // BEGIN succeeded if the session is in a transaction block now; otherwise no statement may run as part of it.
      context.phase = inTransactionBlock ? .open : .dead
      throw error
    }
  }

  func scheduleTimeout(_ id: UInt64, _ call: Call) -> TimerQueue.Token? {
    var deadline = call.deadline
    if let timeout = configuration.statementTimeout {
      deadline = min(deadline ?? .now + timeout, .now + timeout)
    }
    return deadline.map {
      loop.schedule(at: $0) { [weak self] in self?.interrupt(id, .statementTimeout, grace: call.grace) }
    }
  }

  /// Runs the statements, and runs them again if a cached plan was stale and the first run has left no effect.
  func exchange(_ queries: [Query], _ call: Call, _ id: UInt64) async throws -> [QueryResult] {
    let wasIdle = !inTransactionBlock
    var isRetry = false
    while true {
      let (outcome, statementOf) = try await exchangeOnce(queries)
      if notices.takeUnconfirmedCommit() { throw unconfirmedCommit(call, queries.last?.sql) }
      guard let failure = outcome.failure else {
        return zip(outcome.results, queries).map {
          QueryResult(storage: $0, origin: .init(sql: $1.sql, file: call.file, line: call.line))
        }
      }
      let interruption = interruption(of: id)
      await finishCancellation(id, tookEffect: failure.error.sqlState == .queryCanceled)
      let failed = statementOf[failure.command].map { queries[$0] }
      if failure.error.isStalePlan, !isRetry, interruption == nil {
        for query in queries { statements.remove(query.sql) }
        if wasIdle, outcome.results.allSatisfy({ $0.commandTag.isUndoneByRollback }) {
          isRetry = true
          if inTransactionBlock { _ = try await exchangeOnce(["ROLLBACK"]) }
          continue
        }
      }
      throw describe(failure.error, interruption, call, failed?.sql)
    }
  }

  /// The error for the caller: with the call site, and with the reason of an interruption.
  func describe(_ error: PostgreSQLError, _ interruption: Interruption?, _ call: Call, _ sql: String?)
    -> PostgreSQLError
  {
    var described = error
    switch interruption {
    case .cancelled? where error.sqlState == .queryCanceled || error.kind == .connectionLost:
      described = PostgreSQLError(
        .cancelled, "the task was cancelled", sqlState: error.sqlState, underlying: error)
    case .statementTimeout? where error.sqlState == .queryCanceled || error.kind == .connectionLost:
      described = PostgreSQLError(
        .statementTimeout, "the statement took longer than allowed", sqlState: error.sqlState,
        underlying: error)
    default: break
    }
    if error.isFatal { tearDown(error) }
    return described.located(query: call.sql ?? sql, file: call.file, line: call.line)
  }
}

extension PostgreSQLError {
  /// "cached plan must not change result type", identified by the source function because messages are translated, or a
  /// statement that another command has deallocated.
  fileprivate var isStalePlan: Bool {
    (sqlState == .featureNotSupported && serverRoutine == "RevalidateCachedQuery")
      || sqlState == .invalidSQLStatementName
  }
}

extension String {
  /// Whether a statement with this command tag has no effect left after a rollback of its pipeline.
  fileprivate var isUndoneByRollback: Bool {
    let verb = prefix { $0 != " " }
    return ["BEGIN", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "SET"].contains(String(verb))
  }
}
