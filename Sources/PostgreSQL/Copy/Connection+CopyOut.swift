internal import CLibPQ

/// COPY … TO STDOUT.
extension Connection {
  /// Runs a COPY … TO STDOUT and streams its data to the closure.
  public nonisolated(nonsending) func copyOut<T>(
    _ query: Query, file: String, line: Int,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T {
    try await copyOut(query, Call(sql: query.sql, file: file, line: line), nil, body)
  }

  nonisolated(nonsending) func copyOut<T>(
    _ query: Query, _ call: Call, _ context: TransactionContext?,
    _ body: nonisolated(nonsending) (CopyOutStream) async throws -> T
  ) async throws -> T {
    let id = OperationID.next()
    return try await withTaskCancellationHandler {
      try await startCopy(query, call, id, context, .copyOut)
      let result: T
      do {
        result = try await body(CopyOutStream(connection: self, operation: id))
      } catch {
        await abandonCopyOut(call, id)
        throw error
      }
      await abandonCopyOut(call, id)
      return result
    } onCancel: {
      interrupt(id, .cancelled)
    }
  }

  /// The next chunk of rows, nil at the end.
  func copyRead(_ id: UInt64, within limit: Duration? = nil) async throws -> [UInt8]? {
    if state.withLock({ $0.copyOutEnded == id }) { return nil }
    _ = try beginCopyStep(id, .copyOut)
    defer { endCopyStep(id) }
    let timer = limit.map { limit in
      loop.schedule(at: .now + limit) { [weak self] in
        self?.interrupt(id, .statementTimeout, grace: Call.grace)
      }
    }
    defer { if let timer { loop.cancel(timer) } }
    let call = Call(sql: nil, file: #fileID, line: #line)
    if !copyHasEnded {
      let outcome = try await perform(CopyReadSteps(chunkSize: Self.copyChunkSize))
      copyHasEnded = outcome.isLast
      if !outcome.chunk.isEmpty { return outcome.chunk }
    }
    do {
      _ = try await perform(CopyEndSteps()).get()
    } catch {
      throw await leaveCopy(id, call, error)
    }
    state.withLock { $0.copyOutEnded = id }
    if let error = await leaveCopy(id, call, nil) { throw error }
    return nil
  }

  private static var copyChunkSize: Int { 64 * 1024 }

  /// Reads to the end of the COPY, after a cancel request if data remains.
  private func abandonCopyOut(_ call: Call, _ id: UInt64) async {
    guard (try? await beginLastCopyStep(id, .copyOut)) != nil else { return }
    if !copyHasEnded { interrupt(id, .cancelled) }
    do {
      _ = try await perform(CopyEndSteps()).get()
      _ = await leaveCopy(id, call, nil)
    } catch {
      _ = await leaveCopy(id, call, error as any Error)
    }
  }
}
