internal import CLibPQ

/// Who calls, and under what conditions.
struct Call: Sendable {
  /// The SQL for errors; nil takes the failed statement's own.
  var sql: String?
  var file: String
  var line: Int
  /// Not ended by the task's cancellation (ROLLBACK).
  var ignoresCancellation = false
  /// Before when the statements must be done, beside the configured statement timeout.
  var deadline: ContinuousClock.Instant?
  /// How long a cancelled statement may still take; `nil` for the configured time.
  var grace: Duration?

  /// The same before a deadline of the caller's, who wants an answer then rather than a connection that lives on.
  func before(_ deadline: ContinuousClock.Instant?) -> Call {
    guard let deadline else { return self }
    var call = self
    call.deadline = deadline
    call.grace = Self.grace
    return call
  }

  /// What a server that does not react to the deadline of a caller is given.
  static let grace = Duration.seconds(1)
}

extension Connection {
  /// Sends statements in one go with one Sync at the end, and returns all results or throws the first error.
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
    let commits = queries.last?.sql == "COMMIT"
    if commits { return try await runCommitPipeline(queries, call, id, context) }
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

  /// Runs the statements, with what opens the transaction before the first.
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
      // BEGIN went through if the session is in a transaction block now; otherwise nothing may run in it.
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

  /// Runs the statements; once more if a cached plan turned out to be stale and nothing has been lost by it.
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

  /// The error that the caller gets.
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
  /// "cached plan must not change result type" (told by the source function: messages are translated), or
  /// somebody has deallocated the statement.
  fileprivate var isStalePlan: Bool {
    (sqlState == .featureNotSupported && serverRoutine == "RevalidateCachedQuery")
      || sqlState == .invalidSQLStatementName
  }
}

extension String {
  /// True of the tags whose statements a rollback of the same pipeline has undone without a trace.
  fileprivate var isUndoneByRollback: Bool {
    let verb = prefix { $0 != " " }
    return ["BEGIN", "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "SET"].contains(String(verb))
  }
}
