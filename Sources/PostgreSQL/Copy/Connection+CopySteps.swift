extension Connection {
  /// Admits one call of a COPY's closure to the libpq; returns why the operation is to end, if it is.
  ///
  /// The closure's writer and stream can be handed to several tasks; two at once would be one too many.
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

  /// After the closure: waits for a task that it has left behind in the middle of a step.
  func beginLastCopyStep(_ id: UInt64, _ direction: CopyDirection) async throws {
    while state.withLock({ $0.operations.current == id && $0.isInCopyStep }) {
      // Not the task's own: that one may be cancelled, and would not sleep.
      await Task { try? await Task.sleep(for: .milliseconds(1)) }.value
    }
    _ = try beginCopyStep(id, direction)
  }
}
