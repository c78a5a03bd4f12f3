internal import CLibPQ

/// The direction of a COPY's data.
enum CopyDirection: Sendable {
  case copyIn
  case copyOut
}

/// The parts shared by COPY in both directions.
extension Connection {
  /// Sends the statement. On return the connection is in COPY mode, as the current operation.
  func startCopy(
    _ query: Query, _ call: Call, _ id: UInt64, _ context: TransactionContext?, _ direction: CopyDirection
  ) async throws {
    configuration.observer?(query, call.file, call.line)
    let sql = try query.inlined()
    if let context, case .pending = context.phase { _ = try await run([], call, in: context) }
    try await enter(id, ignoresCancellation: false)
    do {
      if let context { _ = try openTransaction(context) }
      try leavePipelineMode()
      state.withLock { $0.copy = direction }
      copyHasEnded = false
      guard let libpq, PQsendQueryParams(libpq.connection, sql, 0, nil, nil, nil, nil, 0) == 1 else {
        throw PostgreSQLError(.connectionLost, libpq?.errorMessage ?? "the connection is closed")
      }
      switch (try await perform(CopyStartSteps()), direction) {
      case (.copyIn, .copyIn), (.copyOut, .copyOut): return
      case (.failed(let error), _): throw error
      case (.notCopy, _): throw PostgreSQLError(.misuse, "the statement is not a COPY")
      case (.copyIn, _):
        try await endData(reason: "wrong direction")
        _ = try await perform(CopyEndSteps())
        throw PostgreSQLError(.misuse, "the statement is COPY FROM STDIN")
      case (.copyOut, _):
        _ = try await perform(CopyEndSteps())
        throw PostgreSQLError(.misuse, "the statement is COPY TO STDOUT")
      }
    } catch {
      throw await leaveCopy(id, call, error)
    }
  }

  /// Ends COPY mode and the operation. Returns the error for the caller.
  func leaveCopy(_ id: UInt64, _ call: Call, _ error: any Error) async -> any Error {
    await leaveCopy(id, call, error as (any Error)?) ?? error
  }

  func leaveCopy(_ id: UInt64, _ call: Call, _ error: (any Error)?) async -> (any Error)? {
    guard isCurrent(id) else { return error }
    let interruption = interruption(of: id)
    enterPipelineMode()
    let postgres = error as? PostgreSQLError
    await finishCancellation(id, tookEffect: postgres?.sqlState == .queryCanceled)
    let described = postgres.map { describe(copy: $0, interruption, call) }
    state.withLock { state in
      state.copy = nil
      state.isInCopyStep = false
    }
    await finish(id)
    return described ?? error
  }

  private func describe(copy postgres: PostgreSQLError, _ interruption: Interruption?, _ call: Call)
    -> PostgreSQLError
  {
    if interruption == .cancelled, postgres.kind == .server {
      // The server reports the client's CopyFail, not SQLSTATE 57014.
      return PostgreSQLError(
        .cancelled, "the task was cancelled", sqlState: postgres.sqlState, underlying: postgres
      ).located(query: call.sql, file: call.file, line: call.line)
    }
    return describe(postgres, interruption, call, call.sql)
  }

  /// Begins one read or write of COPY data. Returns the reason why the operation is to end early, if it is.
  ///
  /// The closure can hand its writer or stream to several tasks; a second concurrent call throws.
  func beginCopyStep(_ id: UInt64, _ direction: CopyDirection) throws -> Interruption? {
    try state.withLock { state in
      guard state.operations.current == id, state.copy == direction else {
        throw state.end ?? PostgreSQLError(.misuse, "the COPY has ended")
      }
      if state.isInCopyStep {
        throw PostgreSQLError(.misuse, "another task is using the COPY's data")
      }
      state.isInCopyStep = true
      return state.operations.interruption(of: id)
    }
  }

  func endCopyStep(_ id: UInt64) {
    state.withLock { state in
      if state.operations.current == id { state.isInCopyStep = false }
    }
  }

  /// Begins the step after the closure, once a step that the closure has left running has ended.
  func beginLastCopyStep(_ id: UInt64, _ direction: CopyDirection) async throws {
    while state.withLock({ $0.operations.current == id && $0.isInCopyStep }) {
      // A separate task, because the current one may be cancelled and would not sleep.
      await Task { try? await Task.sleep(for: .milliseconds(1)) }.value
    }
    _ = try beginCopyStep(id, direction)
  }
}
