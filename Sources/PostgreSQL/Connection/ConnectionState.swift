internal import Synchronization

/// The properties of a connection that any thread may read or change, under the connection's lock.
///
/// All other properties of a connection belong to the current operation and need no lock, so that statements run on the
/// caller's thread.
struct ConnectionState {
  var operations = OperationQueue()
  /// The cancellation of the current operation on the server, from its start until it has finished.
  var cancellation: Cancellation?
  /// Sends cancel requests; nil before connecting and after the end.
  var canceller: CancelHandle?
  /// A copy of ``Connection/socket`` for ``Connection/sever()``; -1 before connecting and after the end.
  var socket: Int32 = -1
  /// Whether the current operation ends with COMMIT, so that it is severed and not cancelled.
  var isCommitting = false
  /// The backend PID.
  var processID: Int32 = 0
  var serverVersion = 0
  /// The direction of the running COPY, if there is one.
  var copy: CopyDirection?
  /// Whether a chunk of COPY data is being sent or received.
  var isInCopyStep = false
  /// The last COPY TO that was read to its end.
  var copyOutEnded: UInt64?
  /// The transaction that the session is in.
  var transaction: TransactionContext?
  /// Whether an event of the idle connection arrived while an operation was ending.
  var hasMissedEvent = false
  var onNotification: (@Sendable (Notification) -> Void)?
  var onEnd: [@Sendable (PostgreSQLError) -> Void] = []
  /// The reason why the session has ended.
  var end: PostgreSQLError?
}

extension Connection {
  /// Makes this operation the current one, after those before it have finished.
  func enter(_ id: UInt64, ignoresCancellation: Bool) async throws {
    let isAdmitted = try state.withLock { state in
      if state.copy != nil, !ignoresCancellation {
        // Waiting would deadlock if the call comes from the COPY's own closure.
        throw PostgreSQLError(.misuse, "a COPY is running on this connection")
      }
      return state.operations.begin(id)
    }
    if !isAdmitted, await !waitForTurn(id, ignoresCancellation: ignoresCancellation) {
      throw PostgreSQLError(.cancelled, "the task was cancelled while waiting")
    }
    if let failure, libpq == nil {
      await finish(id)
      throw failure
    }
    waits = 0
    channel.stopIdling()
    // From here on a cancellation finds the operation as the current one.
    if !ignoresCancellation, Task.isCancelled {
      await finish(id)
      throw PostgreSQLError(.cancelled, "the task was cancelled before the statement was sent")
    }
    status.store(.busy, ordering: .releasing)
  }

  private func waitForTurn(_ id: UInt64, ignoresCancellation: Bool) async -> Bool {
    await withUnsafeContinuation { turn in
      let isAdmitted = state.withLock { state in
        // The connection may have become free since the first attempt.
        if state.operations.begin(id) { return true }
        state.operations.append(id, turn)
        return false
      }
      if isAdmitted {
        turn.resume(returning: true)
      } else if !ignoresCancellation, Task.isCancelled {
        state.withLock { $0.operations.removeWaiter(id) }?.resume(returning: false)
      }
    }
  }

  /// Ends the current operation, after its cancellation can hit no other operation.
  func finish(_ id: UInt64) async {
    if !endOperation(id) {
      await finishCancellation(id, tookEffect: false)
      _ = endOperation(id)
    }
  }

  /// Ends the current operation, unless its cancellation is in progress. Returns whether it ended.
  private func endOperation(_ id: UInt64) -> Bool {
    if let libpq {
      deliverNotifications()
      if libpq.isBroken { tearDown(PostgreSQLError(.connectionLost, libpq.errorMessage)) }
    }
    // Between operations the socket is watched for notifications and for the end of the session.
    if libpq != nil, socket >= 0 { channel.watchWhileIdle(socket, rearms: waits > 1) }
    var turn: OperationQueue.Turn?
    var hasMissedEvent = false
    let hasEnded = state.withLock { state in
      guard state.operations.current == id else { return true }
      if state.cancellation?.operation == id { return false }
      publishStatus()
      state.isCommitting = false
      turn = state.operations.end()
      if turn != nil {
        status.store(.busy, ordering: .releasing)
      } else {
        swap(&hasMissedEvent, &state.hasMissedEvent)
      }
      return true
    }
    turn?.resume(returning: true)
    if hasMissedEvent { readWhileIdle() }
    return hasEnded
  }

  /// Whether the operation is the current one.
  func isCurrent(_ id: UInt64) -> Bool { state.withLock { $0.operations.current == id } }

  /// The reason why the operation is to end early, if it is.
  func interruption(of id: UInt64) -> Interruption? { state.withLock { $0.operations.interruption(of: id) } }

  /// Reads unsolicited input of the idle connection: notifications, or the end of the session. Called on the loop's thread.
  func readWhileIdle() {
    let id = OperationID.next()
    let isAdmitted = state.withLock { state in
      if state.operations.begin(id) { return true }
      state.hasMissedEvent = true
      return false
    }
    guard isAdmitted else { return }
    if let libpq {
      channel.startReading()
      // Unread bytes cause no further edge, so the next watch must rearm.
      waits = 2
      if !libpq.consumeInput() { tearDown(PostgreSQLError(.connectionLost, libpq.errorMessage)) }
    }
    _ = endOperation(id)
  }
}
