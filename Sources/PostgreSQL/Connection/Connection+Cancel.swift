internal import CLibPQ
internal import Glibc

/// The cancellation of one operation on the server. Accessed under the connection's lock.
struct Cancellation {
  let operation: UInt64
  /// A cancel request is in progress.
  var isRequesting = true
  /// The operation has its result and waits for a request in progress.
  var hasEnded = false
  /// The server did not react in time: the session is severed, and requests have no target any more.
  var hasTimedOut = false
  var waiter: UnsafeContinuation<Void, Never>?
  var timers: [TimerQueue.Token] = []

  init(operation: UInt64) { self.operation = operation }
}

/// Owns a PGcancel. Sound as `@unchecked Sendable`: the object is only read, and PQcancel is thread-safe (manual, 34.7).
final class CancelHandle: @unchecked Sendable {
  private let pointer: OpaquePointer

  /// Returns nil if libpq cannot allocate the object.
  init?(_ connection: OpaquePointer) {
    guard let pointer = PQgetCancel(connection) else { return nil }
    self.pointer = pointer
  }

  deinit { PQfreeCancel(pointer) }

  /// Sends a cancel request over a separate connection. The server cancels whatever the session is running. Blocks.
  func send() {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      _ = PQcancel(pointer, buffer.baseAddress, Int32(buffer.count))
    }
  }
}

extension Connection {
  /// Ends an operation early, from any thread: cancels its statement on the server, or severs the session if the operation ends
  /// with COMMIT.
  ///
  /// - Parameter grace: how long the server may take to react; `nil` for the configured time.
  func interrupt(_ id: UInt64, _ reason: Interruption, grace: Duration? = nil) {
    enum Course {
      case dequeue(OperationQueue.Turn?)
      case stopConnecting
      case sever
      case cancel(CancelHandle)
    }
    let course: Course = state.withLock { state in
      guard state.operations.interrupt(id, reason) else { return .dequeue(state.operations.removeWaiter(id)) }
      if state.isCommitting { return .sever }
      guard let canceller = state.canceller else { return .stopConnecting }
      state.cancellation = Cancellation(operation: id)
      return .cancel(canceller)
    }
    switch course {
    case .dequeue(let turn): turn?.resume(returning: false)
    // No statement runs yet; the waiting step reads the reason.
    case .stopConnecting: channel.interruptWait()
    case .sever: sever()
    case .cancel(let canceller): startCancellation(id, canceller, grace)
    }
  }

  /// Shuts the socket down, so that libpq sees the end of the connection wherever it waits.
  func sever() {
    state.withLock { state in
      if state.socket >= 0 { shutdown(state.socket, Int32(SHUT_RDWR)) }
    }
  }

  /// Ends the session at once, including a running statement.
  public func abort() {
    sever()
    let id = OperationID.next()
    guard state.withLock({ $0.operations.begin(id) }) else { return }
    tearDown(PostgreSQLError(.connectionClosed, "the connection is closed"))
    state.withLock { $0.operations.end() }?.resume(returning: true)
  }

  /// Sends cancel requests until the operation ends, and severs the session if it does not end in time.
  private func startCancellation(_ id: UInt64, _ canceller: CancelHandle, _ grace: Duration?) {
    let grace = min(grace ?? configuration.cancelTimeout, configuration.cancelTimeout)
    keep(loop.schedule(at: .now + grace) { [weak self] in self?.cancellationTimedOut(id) }, for: id)
    send(canceller, id, pause: .milliseconds(50))
  }

  private func send(_ canceller: CancelHandle, _ id: UInt64, pause: Duration) {
    startDetachedThread { [self] in
      canceller.send()
      requestEnded(id, pause: pause)
    }
  }

  /// Repeats the request while the statement runs: a request that arrives before its statement finds an idle session and has no
  /// effect.
  private func requestAgain(_ id: UInt64, pause: Duration) {
    let canceller: CancelHandle? = state.withLock { state in
      guard state.cancellation?.operation == id, state.cancellation?.hasEnded == false,
        state.cancellation?.hasTimedOut == false
      else { return nil }
      state.cancellation?.isRequesting = true
      return state.canceller
    }
    if let canceller { send(canceller, id, pause: pause) }
  }

  private func requestEnded(_ id: UInt64, pause: Duration) {
    var waiter: UnsafeContinuation<Void, Never>?
    let goesOn = state.withLock { state in
      guard state.cancellation?.operation == id else { return false }
      state.cancellation?.isRequesting = false
      waiter = state.cancellation?.waiter
      state.cancellation?.waiter = nil
      return state.cancellation?.hasEnded == false
    }
    waiter?.resume()
    guard goesOn else { return }
    keep(
      loop.schedule(at: .now + pause) { [weak self] in self?.requestAgain(id, pause: pause * 2) }, for: id)
  }

  /// Stores a timer of the cancellation, or cancels the timer if the cancellation is over.
  private func keep(_ timer: TimerQueue.Token, for id: UInt64) {
    let isKept = state.withLock { state in
      guard state.cancellation?.operation == id else { return false }
      state.cancellation?.timers.append(timer)
      return true
    }
    if !isKept { loop.cancel(timer) }
  }

  private func cancellationTimedOut(_ id: UInt64) {
    var waiter: UnsafeContinuation<Void, Never>?
    let isCurrent = state.withLock { state in
      guard state.cancellation?.operation == id else { return false }
      state.cancellation?.hasTimedOut = true
      state.cancellation?.isRequesting = false
      waiter = state.cancellation?.waiter
      state.cancellation?.waiter = nil
      return true
    }
    guard isCurrent else { return }
    sever()
    waiter?.resume()
  }

  /// Waits until no cancel request of this operation is in progress and any that was sent has taken effect. The caller has
  /// received the operation's results and has not reused the connection yet.
  func finishCancellation(_ id: UInt64, tookEffect: Bool) async {
    let isCancelled = state.withLock { state in
      guard state.cancellation?.operation == id else { return false }
      state.cancellation?.hasEnded = true
      return true
    }
    guard isCancelled else { return }
    await withUnsafeContinuation { continuation in
      let isComplete = state.withLock { state in
        guard state.cancellation?.isRequesting == true else { return true }
        state.cancellation?.waiter = continuation
        return false
      }
      if isComplete { continuation.resume() }
    }
    // The signal of a late request may still be on its way to the server process: an empty round trip absorbs it. The
    // cancellation's timeout covers this round trip, too.
    if !tookEffect, let libpq, !libpq.isBroken, PQpipelineStatus(libpq.connection) != PQ_PIPELINE_OFF {
      if PQpipelineSync(libpq.connection) == 1 { _ = try? await perform(ExchangeSteps([.sync])) }
    }
    let timers = state.withLock { state in
      defer { state.cancellation = nil }
      return state.cancellation?.timers ?? []
    }
    for timer in timers { loop.cancel(timer) }
  }
}
