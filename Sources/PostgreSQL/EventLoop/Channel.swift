internal import CLibPQ
internal import Glibc
internal import Synchronization

/// The registration of one socket with its event loop.
///
/// The registration is edge-triggered (epoll(7)): a statement with a short result needs no epoll_ctl, and an unread socket does
/// not fire repeatedly. An edge without a waiter is kept for the next wait. libpq's single read may leave bytes in the socket,
/// for which no further edge comes, so that a wait after a read rearms; rearming fires at once if the socket is ready. Such a
/// wait is for one edge (EPOLLONESHOT): otherwise each segment of a long result would wake the loop without a waiter.
final class Channel: Sendable {
  private struct State {
    var socket: Int32 = -1
    /// Whether the socket is registered with epoll.
    var isRegistered = false
    /// The events that epoll watches for.
    var armed: Readiness = []
    /// Events that arrived without a waiter.
    var pending: Readiness = []
    /// Whether the peer has hung up, or the socket has failed. No further edge may follow: the hang-up can share an edge with the
    /// last bytes. Waits return at once, until a read meets the end.
    var hasHungUp = false
    var waiter: UnsafeContinuation<Readiness, Never>?
    var token: UInt64 = 0
    /// Called on an event between operations.
    var onIdleEvent: (@Sendable () -> Void)?
    var isIdle = false
    /// Whether the next wait is to end at once.
    var isInterrupted = false
  }

  private let loop: EventLoop
  private let state = LockedValueBox(State())

  init(loop: EventLoop) {
    self.loop = loop
    let token = loop.add(self)
    state.withLock { $0.token = token }
  }

  /// Sets the callback for events between operations, called on the loop's thread.
  func onIdleEvent(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onIdleEvent = body } }

  /// Waits until the socket is ready for one of `interest`. Returns an empty set after ``interruptWait()``. At most one task may
  /// wait at a time. `rearms` is true if the socket was read or written since the last edge.
  func wait(_ socket: Int32, for interest: Readiness, rearms: Bool) async -> Readiness {
    await withUnsafeContinuation { continuation in
      let ready: Readiness? = state.withLock { state in
        let come = state.pending.intersection(interest)
        state.pending = []
        if !come.isEmpty { return come }
        if state.isInterrupted {
          state.isInterrupted = false
          return []
        }
        if state.hasHungUp, state.socket == socket { return interest }
        // The socket cannot be watched; a read reports the reason.
        guard arm(&state, socket, interest, always: rearms, once: rearms) else { return .read }
        state.waiter = continuation
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }

  /// Starts watching between operations. The next event calls `onIdleEvent`, which calls ``startReading()`` if it reads.
  /// Otherwise the event remains for the first wait of the next operation.
  func watchWhileIdle(_ socket: Int32, rearms: Bool) {
    let missed = state.withLock { state in
      state.isIdle = true
      if state.pending.isEmpty, !(state.hasHungUp && state.socket == socket) {
        _ = arm(&state, socket, .read, always: rearms)
        return nil as (@Sendable () -> Void)?
      }
      return state.onIdleEvent
    }
    missed?()
  }

  /// Clears pending events because the caller is about to read without a wait.
  func startReading() {
    state.withLock { state in
      state.isIdle = false
      state.pending = []
    }
  }

  /// Ends the watching between operations: events are for the waits of the next operation.
  func stopIdling() {
    state.withLock { state in
      state.isIdle = false
      state.isInterrupted = false
    }
  }

  /// Ends the current wait, or the next one of the operation.
  func interruptWait() {
    let waiter = state.withLock { state in
      defer { state.waiter = nil }
      state.isInterrupted = state.waiter == nil
      return state.waiter
    }
    waiter?.resume(returning: [] as Readiness)
  }

  /// Removes the registration before libpq may close the socket and open another with the same number.
  func release() {
    state.withLock { state in
      if state.isRegistered { _ = loop.control(EPOLL_CTL_DEL, state.socket, 0, state.token) }
      state.isRegistered = false
      state.armed = []
      state.pending = []
      state.hasHungUp = false
    }
  }

  /// Ends the registration and the current wait.
  func close() {
    release()
    interruptWait()
    loop.remove(state.withLock(\.token))
  }

  private func arm(
    _ state: inout State, _ socket: Int32, _ interest: Readiness, always: Bool, once: Bool = false
  ) -> Bool {
    if !always, state.isRegistered, state.socket == socket, state.armed == interest { return true }
    let operation = state.isRegistered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD
    state.socket = socket
    // After its one edge the socket is watched for nothing, so that the next wait arms it again.
    state.armed = once ? [] : interest
    var events = EPOLLET.rawValue
    if once { events |= EPOLLONESHOT.rawValue }
    if interest.contains(.read) { events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if interest.contains(.write) { events |= EPOLLOUT.rawValue }
    guard loop.control(operation, socket, events, state.token) else { return false }
    state.isRegistered = true
    return true
  }

  /// Handles events from epoll. Called on the loop's thread.
  func fired(_ events: UInt32) {
    var ready: Readiness = []
    let failed = events & (EPOLLERR.rawValue | EPOLLHUP.rawValue | EPOLLRDHUP.rawValue) != 0
    if failed || events & EPOLLIN.rawValue != 0 { ready.insert(.read) }
    if failed || events & EPOLLOUT.rawValue != 0 { ready.insert(.write) }
    var waiter: UnsafeContinuation<Readiness, Never>?
    var idle: (@Sendable () -> Void)?
    state.withLock { state in
      if failed { state.hasHungUp = true }
      waiter = state.waiter
      state.waiter = nil
      if waiter != nil { return }
      state.pending.formUnion(ready)
      if state.isIdle { idle = state.onIdleEvent }
    }
    waiter?.resume(returning: ready)
    idle?()
  }
}
