extension Connection {
  /// Runs statements that end with COMMIT, as the current operation. In time or not, COMMIT is never cancelled.
  func runToCommit(
    _ queries: [Query], _ call: Call, _ id: UInt64, _ context: TransactionContext?
  ) async throws -> [QueryResult] {
    var call = call
    let latest = ContinuousClock.now + configuration.commitTimeout
    call.deadline = call.deadline.map { min($0, latest) } ?? latest
    let processID = gate.withLock { gate in
      gate.isCommitting = true
      return gate.processID
    }
    configuration.commitBreaker?.began(id)
    let timer = scheduleTimeout(id, call)
    let outcome: Result<[QueryResult], any Error>
    do {
      outcome = .success(try await exchange(queries, call, id, context))
    } catch {
      outcome = .failure(Self.committing(error))
    }
    if let timer { loop.cancel(timer) }
    let failure = outcome.failure as? PostgreSQLError
    let isStalled = failure?.kind == .statementTimeout || failure?.kind == .commitUnconfirmed
    configuration.commitBreaker?.ended(
      id, stalled: isStalled ? .init(processID: processID, configuration) : nil)
    await finish(id)
    return try outcome.get()
  }

  /// The error of statements that ended with COMMIT: with the session, the word on what became of it is lost, too.
  private static func committing(_ error: any Error) -> any Error {
    guard var error = error as? PostgreSQLError else { return error }
    switch error.kind {
    case .connectionLost, .connectionClosed, .statementTimeout, .cancelled: error.isOutcomeUnknown = true
    default: break
    }
    return error
  }

  /// The error of a transaction whose commit no standby has confirmed, though the server calls it a success.
  func unconfirmedCommit(_ call: Call, _ sql: String?) -> PostgreSQLError {
    var error = PostgreSQLError(
      .commitUnconfirmed, "the server gave up waiting for its synchronous standby: committed locally only")
    error.isOutcomeUnknown = true
    return error.located(query: call.sql ?? sql, file: call.file, line: call.line)
  }
}

extension Result {
  fileprivate var failure: (any Error)? {
    if case .failure(let error) = self { error } else { nil }
  }
}
