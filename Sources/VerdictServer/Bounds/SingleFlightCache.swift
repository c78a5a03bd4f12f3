/// Caches the result of an expensive operation for a short time, and shares one running operation among concurrent callers.
actor SingleFlightCache<Value: Sendable> {
  private let lifetime: Duration
  private let load: @Sendable () async throws -> Value
  private var last: (result: Result<Value, any Error>, until: ContinuousClock.Instant)?
  private var running: Task<Value, any Error>?

  /// - Parameters:
  ///   - lifetime: the time for which a value, or an error, is returned again.
  ///   - load: the operation.
  init(lifetime: Duration = .seconds(1), _ load: @escaping @Sendable () async throws -> Value) {
    self.lifetime = lifetime
    self.load = load
  }

  /// The cached value, or that of the operation.
  ///
  /// - Throws: the error of the operation.
  func value() async throws -> Value {
    if let last, last.until > .now { return try last.result.get() }
    if let running { return try await running.value }
    // Detached, because the request that starts it may be cancelled while others wait.
    let task = Task.detached { [load] in try await load() }
    running = task
    let result = await task.result
    running = nil
    last = (result, .now + lifetime)
    return try result.get()
  }
}
