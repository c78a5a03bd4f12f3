internal import CLibPQ
internal import Glibc
internal import Synchronization

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
}
