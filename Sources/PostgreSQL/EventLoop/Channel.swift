internal import CLibPQ
internal import Glibc
internal import Synchronization

/// One socket's registration with its event loop.
///
/// The registration is edge-triggered, so that a statement with a short answer costs no epoll_ctl, and a socket
/// that nobody reads does not fire again and again. An edge that comes while nobody waits is kept for the next
/// wait. libpq's single read may leave bytes in the socket, for which no further edge comes; so a wait that
/// follows a read arms again, and arming fires at once if the socket is ready. Such a wait is for one edge
/// (EPOLLONESHOT): in the middle of a long answer each piece would wake the loop, though nobody waits for it.
final class Channel: Sendable {
  private struct State {
    var socket: Int32 = -1
    /// True from the first arming until the socket is given up.
    var isRegistered = false
    /// What is watched for.
    var armed: Readiness = []
    /// What came while nobody waited.
    var pending: Readiness = []
    /// The peer has hung up, or the socket has failed. There may be no further edge: it can have come in one with the
    /// last bytes, whose reader takes it for theirs. So nobody waits any more, until reading has met the end.
    var hasHungUp = false
    var waiter: UnsafeContinuation<Readiness, Never>?
    var token: UInt64 = 0
    /// Called when something comes and nobody waits for an answer.
    var onIdleEvent: (@Sendable () -> Void)?
    var isIdle = false
    /// The next wait, or the one that is under way, is to end at once.
    var isInterrupted = false
  }

  private let loop: EventLoop
  private let state = LockedValueBox(State())

  init(loop: EventLoop) {
    self.loop = loop
    let token = loop.add(self)
    state.withLock { $0.token = token }
  }

  /// Sets what is called, on the loop's thread, when something comes between operations.
  func onIdleEvent(_ body: @escaping @Sendable () -> Void) { state.withLock { $0.onIdleEvent = body } }

  /// Waits until the socket is ready for something of `interest`. Empty after ``interruptWait()``. At most one
  /// task may wait. `rearms` if something was read or written since the last edge.
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
        // Without a socket there is nothing to wait for; reading finds out what happened.
        guard arm(&state, socket, interest, always: rearms, once: rearms) else { return .read }
        state.waiter = continuation
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }

  /// Between operations: the next event calls `onIdleEvent`, which is to call ``startReading()`` if it reads. If
  /// it does not, the event is still there for the next operation's first wait.
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

  /// What has come so far is about to be read, without a wait.
  func startReading() {
    state.withLock { state in
      state.isIdle = false
      state.pending = []
    }
  }

  /// An operation begins: events are for its waits.
  func stopIdling() {
    state.withLock { state in
      state.isIdle = false
      state.isInterrupted = false
    }
  }

  /// Ends the wait that is under way, or the next one of the operation.
  func interruptWait() {
    let waiter = state.withLock { state in
      defer { state.waiter = nil }
      state.isInterrupted = state.waiter == nil
      return state.waiter
    }
    waiter?.resume(returning: [] as Readiness)
  }

  /// Before libpq may close the socket and open another, which can have the same number.
  func release() {
    state.withLock { state in
      if state.isRegistered { _ = loop.control(EPOLL_CTL_DEL, state.socket, 0, state.token) }
      state.isRegistered = false
      state.armed = []
      state.pending = []
      state.hasHungUp = false
    }
  }

  /// Ends the registration.
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
    // After its one edge the socket is watched for nothing: the next wait arms in any case.
    state.armed = once ? [] : interest
    var events = EPOLLET.rawValue
    if once { events |= EPOLLONESHOT.rawValue }
    if interest.contains(.read) { events |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if interest.contains(.write) { events |= EPOLLOUT.rawValue }
    guard loop.control(operation, socket, events, state.token) else { return false }
    state.isRegistered = true
    return true
  }

  /// The loop's call.
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
