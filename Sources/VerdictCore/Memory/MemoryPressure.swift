import Synchronization

/// The resident memory of the process against its limit: a second line behind the ledgers.
///
/// The ledgers count what they know in advance. The decoding of models, rankings, the buffers of connections and the fragments of
/// the heap come on top. When the process has grown close to its limit all the same, what can wait or be refused must not take
/// more.
package final class MemoryPressure: Sendable {
  /// How close the process is to its limit.
  package enum Level: Int, Sendable, Comparable {
    /// Below three quarters.
    case none
    /// From three quarters on: large consumers wait.
    case high
    /// From seven eighths on: all wait.
    case critical

    /// Whether a level is the lower one.
    package static func < (one: Level, other: Level) -> Bool { one.rawValue < other.rawValue }
  }

  /// The pressure on this process. It returns freed memory to the system while the pressure is high.
  package static let process = MemoryPressure(
    limit: MachineMemory.limit, resident: { MachineMemory.resident }, onHigh: { HeapTrimmer.process.urgent() }
  )

  private struct State {
    var level = Level.none
    var measured: ContinuousClock.Instant?
  }

  /// The age of a measurement after which it is repeated. A processor fills a few tens of megabytes in that time.
  private static let age = Duration.milliseconds(10)

  private let limit: Int
  private let resident: @Sendable () -> Int?
  private let onHigh: @Sendable () -> Void
  private let state = Mutex(State())

  /// The pressure of a resident size.
  ///
  /// - Parameters:
  ///   - limit: the memory in bytes that the process may use.
  ///   - resident: measures the resident bytes of the process; `nil` if they are unknown.
  ///   - onHigh: called after each measurement above ``Level/none``.
  package init(
    limit: Int, resident: @escaping @Sendable () -> Int?, onHigh: @escaping @Sendable () -> Void = {}
  ) {
    self.limit = limit
    self.resident = resident
    self.onHigh = onHigh
  }

  /// The present level, measured some milliseconds ago at most.
  package var level: Level {
    let (level, isNew) = state.withLock { state in
      let now = ContinuousClock.now
      if let measured = state.measured, now - measured < Self.age { return (state.level, false) }
      state.measured = now
      state.level = Self.level(of: resident() ?? 0, within: limit)
      return (state.level, true)
    }
    if isNew, level > .none { onHigh() }
    return level
  }

  private static func level(of resident: Int, within limit: Int) -> Level {
    if resident >= limit / 8 * 7 { return .critical }
    return resident >= limit / 4 * 3 ? .high : .none
  }

  /// Waits until the pressure is below a level.
  ///
  /// - Parameters:
  ///   - ceiling: the level.
  ///   - patience: how long it waits.
  /// - Returns: whether the pressure is below it.
  /// - Throws: `CancellationError`.
  func relief(below ceiling: Level, within patience: Duration) async throws -> Bool {
    guard level >= ceiling else { return true }
    let deadline = ContinuousClock.now + patience
    while level >= ceiling {
      guard ContinuousClock.now < deadline else { return false }
      try await Task.sleep(for: .milliseconds(50))
    }
    return true
  }
}
