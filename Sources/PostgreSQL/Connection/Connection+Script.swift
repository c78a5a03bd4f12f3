internal import CLibPQ

/// Scripts of several statements by the simple protocol.
extension Connection {
  /// Runs a text of several statements by the simple protocol, without parameters and results. The statements are one implicit
  /// transaction, unless the text says otherwise.
  public nonisolated(nonsending) func execute(
    script: String, file: String = #fileID, line: Int = #line
  ) async throws {
    try await execute(script, Call(sql: nil, file: file, line: line), in: nil)
  }

  func execute(_ script: String, _ call: Call, in context: TransactionContext?) async throws {
    let id = OperationID.next()
    // BEGIN goes by the extended protocol, so it is sent first.
    if let context, case .pending = context.phase { _ = try await run([], call, in: context) }
    try await withTaskCancellationHandler {
      try await enter(id, ignoresCancellation: call.ignoresCancellation)
      do {
        if let context { _ = try openTransaction(context) }
        try await exchange(script: script, call, id)
        await finish(id)
      } catch {
        await finish(id)
        throw error
      }
    } onCancel: {
      interrupt(id, .cancelled)
    }
  }

  private func exchange(script: String, _ call: Call, _ id: UInt64) async throws {
    try leavePipelineMode()
    guard let libpq, PQsendQuery(libpq.connection, script) == 1 else {
      throw PostgreSQLError(.connectionLost, libpq?.errorMessage ?? "the connection is closed")
    }
    let outcome = try await perform(CopyEndSteps(refusesCopy: true))
    let interruption = interruption(of: id)
    enterPipelineMode()
    if notices.takeUnconfirmedCommit() { throw unconfirmedCommit(call, script) }
    guard case .failure(let error) = outcome else { return }
    await finishCancellation(id, tookEffect: error.sqlState == .queryCanceled)
    throw describe(error, interruption, call, script)
  }

  /// Leaves pipeline mode, in which libpq forbids COPY and the simple protocol. Possible only while no command is in progress.
  func leavePipelineMode() throws {
    guard let libpq, PQexitPipelineMode(libpq.connection) == 1 else {
      throw PostgreSQLError(.connectionLost, libpq?.errorMessage ?? "the connection is closed")
    }
  }

  /// Returns to pipeline mode, in which everything but COPY and scripts runs. A connection that cannot return is closed.
  func enterPipelineMode() {
    guard let libpq, !libpq.isBroken else { return }
    if PQenterPipelineMode(libpq.connection) != 1 {
      tearDown(PostgreSQLError(.protocolViolation, libpq.errorMessage))
    }
  }
}
