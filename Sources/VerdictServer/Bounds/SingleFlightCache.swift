/// A look at something that costs, shared by all who ask within a second of it; never two at a time.
actor SingleFlightCache<Value: Sendable> {
  private let lifetime: Duration
  private let look: @Sendable () async throws -> Value
  private var last: (result: Result<Value, any Error>, until: ContinuousClock.Instant)?
  private var running: Task<Value, any Error>?

  /// - Parameters:
  ///   - lifetime: for how long what was seen, or why it was not, is told again.
  ///   - look: the look.
  init(lifetime: Duration = .seconds(1), _ look: @escaping @Sendable () async throws -> Value) {
    self.lifetime = lifetime
    self.look = look
  }

  /// What was seen last.
  ///
  /// - Throws: what the look throws.
  func value() async throws -> Value {
    if let last, last.until > .now { return try last.result.get() }
    if let running { return try await running.value }
    // It outlives the request that began it, and is not that one's alone.
    let task = Task.detached { [look] in try await look() }
    running = task
    let result = await task.result
    running = nil
    last = (result, .now + lifetime)
    return try result.get()
  }
}
