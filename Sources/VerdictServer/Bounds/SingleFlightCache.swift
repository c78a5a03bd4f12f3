/// Caches the result of an expensive read for a short time, and lets concurrent callers share one read.
actor SingleFlightCache<Value: Sendable> {
  private let lifetime: Duration
  private let read: @Sendable () async throws -> Value
  private var last: (result: Result<Value, any Error>, until: ContinuousClock.Instant)?
  private var running: Task<Value, any Error>?

  /// - Parameters:
  ///   - lifetime: how long a value or an error is returned again.
  ///   - read: reads the value.
  init(lifetime: Duration = .seconds(1), _ read: @escaping @Sendable () async throws -> Value) {
    self.lifetime = lifetime
    self.read = read
  }

  /// The cached value, or a new one.
  ///
  /// - Throws: what the read throws.
  func value() async throws -> Value {
    if let last, last.until > .now { return try last.result.get() }
    if let running { return try await running.value }
    // Detached, since it serves several requests and outlives the one that started it.
    let task = Task.detached { [read] in try await read() }
    running = task
    let result = await task.result
    running = nil
    last = (result, .now + lifetime)
    return try result.get()
  }
}
