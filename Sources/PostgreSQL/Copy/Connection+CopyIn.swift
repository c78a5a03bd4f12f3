internal import CLibPQ
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// COPY … FROM STDIN.
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

  /// Sends one chunk of data.
  func copyWrite(_ bytes: some ContiguousBytes & Sendable, _ id: UInt64) async throws {
    let reason = try beginCopyStep(id, .copyIn)
    defer { endCopyStep(id) }
    if let reason {
      throw PostgreSQLError(reason == .cancelled ? .cancelled : .statementTimeout, "the COPY was cancelled")
    }
    guard let libpq else { throw closedError }
    let sent = bytes.withUnsafeBytes { raw in
      // libpq copies the bytes; an empty chunk needs no message.
      raw.count == 0 ? 1 : PQputCopyData(libpq.connection, raw.baseAddress, Int32(clamping: raw.count))
    }
    guard sent == 1 else { throw PostgreSQLError(.connectionLost, libpq.errorMessage) }
    try await perform(FlushSteps())
  }

  /// Ends the data of a COPY FROM: completes the COPY, or aborts it for a reason.
  func endData(reason: String?) async throws {
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
}
