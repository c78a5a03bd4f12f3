internal import CLibPQ
internal import Glibc
internal import Synchronization

extension Connection {
  /// Ends an operation early, from anywhere: cancels its statement, or severs the session if it ends with COMMIT.
  ///
  /// - Parameter grace: how long the server has to react; `nil` for the configured time.
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
    // There is nothing to cancel; the waiting step sees the reason.
    case .stopConnecting: channel.interruptWait()
    case .sever: sever()
    case .cancel(let canceller): startCancellation(id, canceller, grace)
    }
  }

  /// Makes libpq see the end of the connection, wherever it waits.
  func sever() {
    state.withLock { state in
      if state.socket >= 0 { shutdown(state.socket, Int32(SHUT_RDWR)) }
    }
  }

  /// Ends the session at once, whatever runs on it.
  public func abort() {
    sever()
    let id = OperationID.next()
    guard state.withLock({ $0.operations.begin(id) }) else { return }
    tearDown(PostgreSQLError(.connectionClosed, "the connection is closed"))
    state.withLock { $0.operations.end() }?.resume(returning: true)
  }
}
