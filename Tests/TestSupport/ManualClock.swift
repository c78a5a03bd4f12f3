import Synchronization

/// A clock that only a test advances.
public final class ManualClock: Sendable {
  private let start = ContinuousClock.now
  private let passed = Mutex(Duration.zero)

  /// A clock that stands still.
  public init() {}

  /// The present time.
  public var now: ContinuousClock.Instant { start + passed.withLock { $0 } }

  /// Lets time pass.
  public func advance(by duration: Duration) { passed.withLock { $0 += duration } }
}

/// Suspends tasks while it is closed.
public final class Barrier: Sendable {
  private let state = Mutex<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((true, []))

  /// An open barrier.
  public init() {}

  /// Suspends the tasks that come from now on.
  public func close() { state.withLock { $0.isOpen = false } }

  /// Resumes the tasks that wait.
  public func open() {
    let waiting = state.withLock { state in
      state.isOpen = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for each in waiting { each.resume() }
  }

  /// Returns when the barrier is open.
  public func pass() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiting.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }
}
