internal import CLibPQ

/// The cancelling of one operation on the server. Behind the connection's lock.
struct Cancellation {
  let operation: UInt64
  /// A request is on its way.
  var isRequesting = true
  /// The operation has its answer, and waits for a request that is under way.
  var hasEnded = false
  /// The server did not react in time: the session is severed, and no request can hit anybody any more.
  var hasTimedOut = false
  var waiter: UnsafeContinuation<Void, Never>?
  var timers: [TimerQueue.Token] = []

  init(operation: UInt64) { self.operation = operation }
}

/// A PGcancel. Sound as `@unchecked Sendable`: it is only read, and PQcancel is thread-safe (manual, 34.7).
final class CancelHandle: @unchecked Sendable {
  private let pointer: OpaquePointer

  /// nil if there is no memory for it.
  init?(_ connection: OpaquePointer) {
    guard let pointer = PQgetCancel(connection) else { return nil }
    self.pointer = pointer
  }

  deinit { PQfreeCancel(pointer) }

  /// Asks the server to cancel whatever the session does, over a connection of its own. Blocks.
  func send() {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      _ = PQcancel(pointer, buffer.baseAddress, Int32(buffer.count))
    }
  }
}

extension Connection {
  func startCancellation(_ id: UInt64, _ canceller: CancelHandle, _ grace: Duration?) {
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

  /// Asks again while the statement runs on: a request that overtakes its statement finds an idle session and
  /// does nothing.
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

  /// Remembers a timer of the cancelling; if that is over, the timer is too.
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

  /// Waits until no cancel request of this operation is under way, and any that was has had its effect.
  /// To be called when the operation's results are in, before the connection is used for anything else.
  func finishCancellation(_ id: UInt64, tookEffect: Bool) async {
    let isCancelled = state.withLock { state in
      guard state.cancellation?.operation == id else { return false }
      state.cancellation?.hasEnded = true
      return true
    }
    guard isCancelled else { return }
    await withUnsafeContinuation { continuation in
      let isOver = state.withLock { state in
        guard state.cancellation?.isRequesting == true else { return true }
        state.cancellation?.waiter = continuation
        return false
      }
      if isOver { continuation.resume() }
    }
    // The signal of a request that came too late may still be on its way to the server process: an empty
    // round trip takes it up. The time limit of the cancelling goes on for it.
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
