internal import Logging
internal import Synchronization

/// Borrowing and returning connections.
extension ConnectionPool {
  /// Takes an idle connection, or waits for one up to the shorter of `acquireTimeout` and `limit`.
  nonisolated(nonsending) func acquire(
    for borrower: Borrower = .process, within limit: Duration? = nil
  ) async throws -> Lease {
    let ready: (lease: Lease?, waiter: Int) = try takeIdle(for: borrower)
    if let lease = ready.lease { return lease }
    let waiter = ready.waiter
    let loop = EventLoop.shared
    let timeout = min(limit ?? configuration.acquireTimeout, configuration.acquireTimeout)
    let start = ContinuousClock.now
    let deadline = start + timeout
    let timer = WaitTimer()
    defer {
      timer.cancel(on: loop)
      state.withLock { state in
        state.waits += 1
        state.waited += ContinuousClock.now - start
      }
    }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        enqueue(waiter, borrower, continuation)
        timer.start(on: loop, at: deadline) { [weak self] in self?.timeOut(waiter, timeout) }
        if Task.isCancelled { cancelWaiter(waiter) }
      }
    } onCancel: {
      cancelWaiter(waiter)
    }
  }

  /// Takes an idle connection without waiting, or returns the number of a new waiter.
  private func takeIdle(for borrower: Borrower) throws -> (lease: Lease?, waiter: Int) {
    var lease: Lease?
    var waiter = 0
    var isShutDown = false
    perform { machine, state in
      waiter = state.nextWaiter
      state.nextWaiter += 1
      isShutDown = machine.isShutDown
      var actions: [PoolStateMachine.Action] = []
      while let id = machine.takeIdle(for: borrower) {
        if let connection = state.connections[id], !connection.isClosed {
          lease = Lease(id: id, connection: connection)
          break
        }
        // The connection has just died, and its end is not reported yet.
        state.drop(id)
        actions += machine.release(id, isUsable: false, now: .now)
      }
      return actions
    }
    if isShutDown { throw PostgreSQLError(.poolClosed, "the pool is closed") }
    return (lease, waiter)
  }

  private func enqueue(
    _ waiter: Int, _ borrower: Borrower, _ continuation: CheckedContinuation<Lease, any Error>
  ) {
    perform { machine, state in
      let (acquired, actions) = machine.acquire(waiter, for: borrower, now: .now)
      switch acquired {
      case .waiting:
        state.waiters[waiter] = continuation
        return actions
      case .connection(let id):
        state.waiters[waiter] = continuation
        return [.resume(waiter, id)]
      case .unavailable, .closed:
        state.waiters[waiter] = continuation
        return [.fail([waiter])]
      }
    }
  }

  private func cancelWaiter(_ waiter: Int) {
    take(waiter)?.resume(
      throwing: PostgreSQLError(.cancelled, "the task was cancelled while it waited for a connection"))
  }

  private func timeOut(_ waiter: Int, _ timeout: Duration) {
    guard let continuation = take(waiter) else { return }
    // A failure to connect is the better explanation.
    let failure = state.withLock { state in
      state.timeouts += 1
      return state.machine.failures > 0 ? state.connectFailures?.lastError : nil
    }
    var error = PostgreSQLError(
      failure == nil ? .acquireTimeout : .connectionFailed,
      "no connection became free within \(timeout)", sqlState: failure?.sqlState)
    error.underlying = failure
    continuation.resume(throwing: error)
  }

  private func take(_ waiter: Int) -> CheckedContinuation<Lease, any Error>? {
    state.withLock { state in
      guard state.machine.cancel(waiter) else { return nil }
      return state.waiters.removeValue(forKey: waiter)
    }
  }

  /// Whether a connection is lent again. Each connection of the pool would in time keep the memory of the largest message that it
  /// has transferred; a new connection takes milliseconds.
  private func isWorthKeeping(_ connection: Connection) -> Bool {
    !connection.hasLargeBuffers.load(ordering: .acquiring)
  }

  /// Returns a connection to the pool.
  func release(_ lease: Lease) {
    switch lease.connection.status.load(ordering: .acquiring) {
    case .idle: perform { $0.release(lease.id, isUsable: isWorthKeeping(lease.connection), now: .now) }
    case .closed: perform { $0.release(lease.id, isUsable: false, now: .now) }
    case .inTransaction, .busy:
      logger.debug("a connection was returned inside a transaction or in use")
      Task {
        await lease.connection.reset()
        let isUsable =
          lease.connection.status.load(ordering: .acquiring) == .idle && isWorthKeeping(lease.connection)
        perform { $0.release(lease.id, isUsable: isUsable, now: .now) }
      }
    }
  }
}

/// The timeout of one waiter, which may be cancelled before it has started.
private final class WaitTimer: Sendable {
  private let token = LockedValueBox<(timer: TimerQueue.Token?, isCancelled: Bool)>((nil, false))

  func start(
    on loop: EventLoop, at deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () -> Void
  ) {
    token.withLock { token in
      if !token.isCancelled { token.timer = loop.schedule(at: deadline, body) }
    }
  }

  func cancel(on loop: EventLoop) {
    let timer = token.withLock { token in
      token.isCancelled = true
      return token.timer
    }
    if let timer { loop.cancel(timer) }
  }
}
