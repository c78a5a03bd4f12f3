extension Connection {
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
