internal import Synchronization

/// What any task or thread may look at or change of a connection, behind its lock.
///
/// The rest of the connection belongs to the operation that is the current one here, and to nobody if there is
/// none: so it needs no lock, and statements run where their caller runs, without a change of thread.
struct ConnectionState {
  var operations = OperationQueue()
  /// The current operation's cancelling on the server, from its start until it is settled.
  var cancellation: Cancellation?
  /// What cancel requests are sent with; nil before connecting and after the end.
  var canceller: CancelHandle?
  /// ``Connection/socket``, for ``Connection/sever()``; -1 before connecting and after the end.
  var socket: Int32 = -1
  /// The current operation ends with COMMIT: it is severed and not cancelled.
  var isCommitting = false
  /// The server's process.
  var processID: Int32 = 0
  var serverVersion = 0
  /// The COPY that is running, if one is.
  var copy: CopyDirection?
  /// A piece of its data is being sent or received.
  var isInCopyStep = false
  /// The COPY TO that was last read to its end.
  var copyOutEnded: UInt64?
  /// The transaction that the session is in.
  var transaction: TransactionContext?
  /// Something came for the idle connection just when an operation was ending.
  var hasMissedEvent = false
  var onNotification: (@Sendable (Notification) -> Void)?
  var onEnd: [@Sendable (PostgreSQLError) -> Void] = []
  /// Why the session has ended.
  var end: PostgreSQLError?
}

extension Connection {
  /// Makes this operation the current one, when those before it are done.
  func enter(_ id: UInt64, ignoresCancellation: Bool) async throws {
    let isAdmitted = try state.withLock { state in
      if state.copy != nil, !ignoresCancellation {
        // Waiting would be a deadlock if it is the COPY's own closure that asks.
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
    // A cancellation after this line finds the operation as the current one.
    if !ignoresCancellation, Task.isCancelled {
      await finish(id)
      throw PostgreSQLError(.cancelled, "the task was cancelled before the statement was sent")
    }
    status.store(.busy, ordering: .releasing)
  }

  private func waitForTurn(_ id: UInt64, ignoresCancellation: Bool) async -> Bool {
    await withUnsafeContinuation { turn in
      let isAdmitted = state.withLock { state in
        // It may have become free in between.
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

  /// Ends the current operation; if it was being cancelled, not before that can hit nobody else.
  func finish(_ id: UInt64) async {
    if !leave(id) {
      await finishCancellation(id, tookEffect: false)
      _ = leave(id)
    }
  }

  /// Ends the current operation, unless its cancelling has to be settled first.
  private func leave(_ id: UInt64) -> Bool {
    if let libpq {
      deliverNotifications()
      if libpq.isBroken { tearDown(PostgreSQLError(.connectionLost, libpq.errorMessage)) }
    }
    // Between operations the socket is always watched: for notifications, and for the end of the session.
    if libpq != nil, socket >= 0 { channel.watchWhileIdle(socket, rearms: waits > 1) }
    var turn: OperationQueue.Turn?
    var hasMissedEvent = false
    let hasLeft = state.withLock { state in
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
    return hasLeft
  }

  /// True if the operation is the current one.
  func isCurrent(_ id: UInt64) -> Bool { state.withLock { $0.operations.current == id } }

  /// Why the operation is to end, if it is.
  func interruption(of id: UInt64) -> Interruption? { state.withLock { $0.operations.interruption(of: id) } }

  /// Reads what came without being asked for: notifications, or the end of the session. On the loop's thread.
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
      // Unread bytes would bring no edge of their own.
      waits = 2
      if !libpq.consumeInput() { tearDown(PostgreSQLError(.connectionLost, libpq.errorMessage)) }
    }
    _ = leave(id)
  }
}
