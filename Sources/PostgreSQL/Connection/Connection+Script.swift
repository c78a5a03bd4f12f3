internal import CLibPQ

extension Connection {
  /// Runs several statements in one text (simple protocol), without parameters and results. Unless the text
  /// says otherwise, they are one implicit transaction.
  public nonisolated(nonsending) func execute(
    script: String, file: String = #fileID, line: Int = #line
  ) async throws {
    try await execute(script, Call(sql: nil, file: file, line: line), in: nil)
  }

  func execute(_ script: String, _ call: Call, in context: TransactionContext?) async throws {
    let id = OperationID.next()
    // BEGIN needs the other protocol, so it is sent ahead.
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

  /// COPY and the simple protocol are forbidden in pipeline mode. Only possible while nothing is under way.
  func leavePipelineMode() throws {
    guard let libpq, PQexitPipelineMode(libpq.connection) == 1 else {
      throw PostgreSQLError(.connectionLost, libpq?.errorMessage ?? "the connection is closed")
    }
  }

  /// Everything but COPY and scripts runs in pipeline mode. A connection that cannot go back to it is given up.
  func enterPipelineMode() {
    guard let libpq, !libpq.isBroken else { return }
    if PQenterPipelineMode(libpq.connection) != 1 {
      tearDown(PostgreSQLError(.protocolViolation, libpq.errorMessage))
    }
  }
}
