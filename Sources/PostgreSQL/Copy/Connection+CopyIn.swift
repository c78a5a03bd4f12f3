internal import CLibPQ
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

extension Connection {
  /// Runs a COPY … FROM STDIN with the data that the closure writes, and returns the number of rows.
  @discardableResult
  public nonisolated(nonsending) func copyIn(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyInWriter) async throws -> Void
  ) async throws -> Int {
    try await copyIn(query, Call(sql: query.sql, file: file, line: line), nil, body)
  }

  nonisolated(nonsending) func copyIn(
    _ query: Query, _ call: Call, _ context: TransactionContext?,
    _ body: nonisolated(nonsending) (CopyInWriter) async throws -> Void
  ) async throws -> Int {
    let id = OperationID.next()
    return try await withTaskCancellationHandler {
      try await startCopy(query, call, id, context, .copyIn)
      do {
        try await body(CopyInWriter(connection: self, operation: id))
      } catch {
        _ = try? await endCopyIn(call, id, reason: "aborted by the client")
        throw error
      }
      return try await endCopyIn(call, id, reason: nil)
    } onCancel: {
      interrupt(id, .cancelled)
    }
  }

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

  /// Sends one chunk of data.
  func copyWrite(_ bytes: some ContiguousBytes & Sendable, _ id: UInt64) async throws {
    let reason = try beginCopyStep(id, .copyIn)
    defer { endCopyStep(id) }
    if let reason {
      throw PostgreSQLError(reason == .cancelled ? .cancelled : .statementTimeout, "the COPY was cancelled")
    }
    guard let libpq else { throw failure ?? PostgreSQLError(.connectionClosed, "the connection is closed") }
    let sent = bytes.withUnsafeBytes { raw in
      // libpq copies the bytes; an empty chunk needs no message.
      raw.count == 0 ? 1 : PQputCopyData(libpq.connection, raw.baseAddress, Int32(clamping: raw.count))
    }
    guard sent == 1 else { throw PostgreSQLError(.connectionLost, libpq.errorMessage) }
    try await perform(FlushSteps())
  }

  private func endData(reason: String?) async throws {
    while let libpq {
      let sent = PQputCopyEnd(libpq.connection, reason)
      if sent == 1 { return }
      // 0: the output buffer is full.
      guard sent == 0 else { throw PostgreSQLError(.connectionLost, libpq.errorMessage) }
      try await perform(FlushSteps())
    }
  }

  private func endCopyIn(_ call: Call, _ id: UInt64, reason: String?) async throws -> Int {
    try await beginLastCopyStep(id, .copyIn)
    do {
      // A cancelled COPY must not complete, even if the closure ignored the cancellation.
      let isCancelled = interruption(of: id) != nil
      try await endData(reason: isCancelled ? "cancelled by the client" : reason)
      let rows = try await perform(CopyEndSteps()).get().affectedRows
      let isUnconfirmed = notices.takeUnconfirmedCommit()
      let error = await leaveCopy(id, call, isUnconfirmed ? unconfirmedCommit(call, nil) : nil)
      if let error { throw error }
      return rows
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
}

/// The direction of a COPY's data.
enum CopyDirection: Sendable {
  case copyIn
  case copyOut
}
