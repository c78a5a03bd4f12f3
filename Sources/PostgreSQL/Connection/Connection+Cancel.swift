internal import CLibPQ

/// The cancelling of one operation on the server.
final class Cancellation {
  let operation: UInt64
  /// Over once the operation has ended and no request is under way.
  var isRequesting = false
  var operationEnded = false
  var waiter: UnsafeContinuation<Void, Never>?
  var timers: [TimerQueue.Token] = []

  init(operation: UInt64) { self.operation = operation }
}

/// A PGcancel, for the helper thread that uses and frees it. Sound as `@unchecked Sendable`: it is handed over
/// to one thread, and PQcancel is thread-safe (manual, 34.7).
private struct CancelHandle: @unchecked Sendable {
  let pointer: OpaquePointer

  func send() {
    var buffer = [CChar](repeating: 0, count: 256)
    _ = PQcancel(pointer, &buffer, Int32(buffer.count))
    PQfreeCancel(pointer)
  }
}

extension Connection {
  func startCancellation(_ id: UInt64) {
    let cancellation = Cancellation(operation: id)
    self.cancellation = cancellation
    cancellation.timers.append(
      loop.schedule(at: .now + configuration.cancelTimeout) { Task { await self.giveUpCancelling(id) } })
    requestCancel(id, pause: .milliseconds(50))
  }

  /// Asks the server, and asks again while the statement runs on: a request that overtakes its statement
  /// finds an idle session and does nothing.
  private func requestCancel(_ operation: UInt64, pause: Duration) {
    guard let cancellation, cancellation.operation == operation, !cancellation.operationEnded, let wire,
      let pointer = PQgetCancel(wire.connection)
    else { return }
    cancellation.isRequesting = true
    let handle = CancelHandle(pointer: pointer)
    startThread {
      handle.send()
      Task { await self.requestEnded(operation, pause: pause) }
    }
  }

  private func requestEnded(_ operation: UInt64, pause: Duration) {
    guard let cancellation, cancellation.operation == operation else { return }
    cancellation.isRequesting = false
    if cancellation.operationEnded {
      cancellation.waiter?.resume()
      cancellation.waiter = nil
      return
    }
    cancellation.timers.append(
      loop.schedule(at: .now + pause) { Task { await self.requestCancel(operation, pause: pause * 2) } })
  }

  private func giveUpCancelling(_ operation: UInt64) {
    guard let cancellation, cancellation.operation == operation else { return }
    sever()
    cancellation.isRequesting = false
    cancellation.waiter?.resume()
    cancellation.waiter = nil
  }

  /// Waits until no cancel request of this operation is under way, and any that was has had its effect.
  /// To be called when the operation's results are in, before the connection is used for anything else.
  func settleCancellation(_ id: UInt64, wasHit: Bool) async {
    guard let cancellation, cancellation.operation == id else { return }
    cancellation.operationEnded = true
    if cancellation.isRequesting { await withUnsafeContinuation { cancellation.waiter = $0 } }
    for timer in cancellation.timers { loop.cancel(timer) }
    self.cancellation = nil
    // The signal of a request that came too late may still be on its way to the server process: an empty
    // round trip takes it up.
    if !wasHit, let wire, !wire.isBroken, PQpipelineStatus(wire.connection) != PQ_PIPELINE_OFF {
      if PQpipelineSync(wire.connection) == 1 { _ = try? await perform(ExchangeSteps([.sync])) }
    }
  }
}
