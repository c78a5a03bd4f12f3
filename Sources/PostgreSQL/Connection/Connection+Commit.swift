/// Pipelines that end with COMMIT.
extension Connection {
  /// Runs statements that end with COMMIT, as the current operation. COMMIT is never cancelled, not even at its deadline.
  ///
  /// The statements are sent together, so that a cancel request for an earlier one could hit COMMIT. At the deadline the whole
  /// session is severed instead.
  func runCommitPipeline(
    _ queries: [Query], _ call: Call, _ id: UInt64, _ context: TransactionContext?
  ) async throws -> [QueryResult] {
    // An operation that is cancelled already must not be sent, because its cancel request may be in progress.
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
    let isReadOnly = context?.isReadOnly ?? queries.beginsReadOnly
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

  /// Marks the outcome of a COMMIT as unknown if its session ended before the answer.
  private static func committing(_ error: any Error) -> any Error {
    guard var error = error as? PostgreSQLError else { return error }
    switch error.kind {
    case .connectionLost, .connectionClosed, .statementTimeout, .cancelled: error.isOutcomeUnknown = true
    default: break
    }
    return error
  }

  /// The error for a commit that the server reports as successful although no standby has confirmed it.
  func unconfirmedCommit(_ call: Call, _ sql: String?) -> PostgreSQLError {
    var error = PostgreSQLError(
      .commitUnconfirmed, "the server gave up waiting for its synchronous standby: committed locally only")
    error.isOutcomeUnknown = true
    return error.located(query: call.sql ?? sql, file: call.file, line: call.line)
  }
}

extension [Query] {
  /// Whether the pipeline ends with COMMIT.
  var endsWithCommit: Bool { last?.sql == "COMMIT" }

  /// Whether the pipeline begins a transaction that is declared read-only, whose COMMIT waits for no standby.
  var beginsReadOnly: Bool { first?.sql.hasPrefix("BEGIN READ ONLY") == true }
}
