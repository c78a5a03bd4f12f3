extension Connection {
  /// Runs statements that end with COMMIT, as the current operation. In time or not, COMMIT is never cancelled.
  ///
  /// They are sent in one go, so that a cancel request for an earlier one could hit it: the whole of it is severed.
  func runCommitPipeline(
    _ queries: [Query], _ call: Call, _ id: UInt64, _ context: TransactionContext?
  ) async throws -> [QueryResult] {
    // One that was cancelled before it was sent must not be: the request to cancel may be on its way.
    let isInterrupted = state.withLock { state in
      if state.operations.interruption(of: id) != nil { return true }
      state.isCommitting = true
      return false
    }
    if isInterrupted {
      await finish(id)
      throw PostgreSQLError(.cancelled, "the task was cancelled before COMMIT")
    }
    var call = call
    let latest = ContinuousClock.now + configuration.commitTimeout
    call.deadline = call.deadline.map { min($0, latest) } ?? latest
    let isReadOnly = context?.isReadOnly ?? (queries.first?.sql.hasPrefix("BEGIN READ ONLY") == true)
    let breaker = isReadOnly ? nil : configuration.commitBreaker
    breaker?.began(id)
    let timer = scheduleTimeout(id, call)
    let outcome: Result<[QueryResult], any Error>
    do {
      outcome = .success(try await exchange(queries, call, id, context))
    } catch {
      outcome = .failure(Self.committing(error))
    }
    if let timer { loop.cancel(timer) }
    breaker?.ended(id, Self.confirmation(outcome), configuration)
    await finish(id)
    return try outcome.get()
  }

  /// Classifies the outcome of a commit for the circuit breaker.
  private static func confirmation<T>(_ outcome: Result<T, any Error>) -> CommitCircuitBreaker.Confirmation {
    guard case .failure(let error) = outcome else { return .confirmed }
    switch (error as? PostgreSQLError)?.kind {
    case .commitUnconfirmed: return .committedLocally
    case .statementTimeout, .cancelled: return .connectionSevered
    default: return .failed
    }
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
