internal import CLibPQ
internal import Glibc
internal import Synchronization

extension Connection {
  /// Ends an operation early, from anywhere: cancels its statement, or severs the session if it ends with COMMIT.
  ///
  /// - Parameter grace: how long the server has to react; `nil` for the configured time.
  func interrupt(_ id: UInt64, _ reason: Interruption, grace: Duration? = nil) {
    enum Course {
      case giveUp(OperationQueue.Turn?)
      case stopConnecting
      case sever
      case cancel(CancelHandle)
    }
    let course: Course = gate.withLock { gate in
      guard gate.operations.interrupt(id, reason) else { return .giveUp(gate.operations.giveUp(id)) }
      if gate.isCommitting { return .sever }
      guard let canceller = gate.canceller else { return .stopConnecting }
      gate.cancellation = Cancellation(operation: id)
      return .cancel(canceller)
    }
    switch course {
    case .giveUp(let turn): turn?.resume(returning: false)
    // There is nothing to cancel; the waiting step sees the reason.
    case .stopConnecting: channel.interruptWait()
    case .sever: sever()
    case .cancel(let canceller): startCancellation(id, canceller, grace)
    }
  }

  /// Makes libpq see the end of the connection, wherever it waits.
  func sever() {
    gate.withLock { gate in
      if gate.socket >= 0 { shutdown(gate.socket, Int32(SHUT_RDWR)) }
    }
  }

  /// Ends the session at once, whatever runs on it.
  public func abort() {
    sever()
    let id = OperationID.next()
    guard gate.withLock({ $0.operations.begin(id) }) else { return }
    tearDown(PostgreSQLError(.connectionClosed, "the connection is closed"))
    gate.withLock { $0.operations.end() }?.resume(returning: true)
  }
}
