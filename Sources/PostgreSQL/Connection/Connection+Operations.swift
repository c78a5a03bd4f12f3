internal import CLibPQ
internal import Glibc
internal import Synchronization

extension Connection {
  /// Makes this operation the current one, when those before it are done.
  func enter(_ id: UInt64, shielded: Bool) async throws {
    if copy != nil, !shielded {
      // Waiting would be a deadlock if it is the COPY's own closure that asks.
      throw PostgreSQLError(.misuse, "a COPY is running on this connection")
    }
    if operations.isBusy {
      let isTurn = await withUnsafeContinuation { continuation in
        operations.append(id, continuation)
        if !shielded, Task.isCancelled { operations.giveUp(id) }
      }
      guard isTurn else { throw PostgreSQLError(.cancelled, "the task was cancelled while waiting") }
    } else {
      operations.begin(id)
    }
    if let failure, wire == nil {
      operations.end()
      throw failure
    }
    // A cancellation after this line finds the operation as the current one.
    if !shielded, Task.isCancelled {
      operations.end()
      throw PostgreSQLError(.cancelled, "the task was cancelled before the statement was sent")
    }
    activity.store(.busy, ordering: .releasing)
    waits = 0
    channel?.stopIdling()
  }

  /// Ends the current operation.
  func leave(_ id: UInt64) {
    guard operations.current == id else { return }
    if wire != nil { deliverNotifications() }
    if let wire, wire.isBroken { tearDown(PostgreSQLError(.connectionLost, wire.errorMessage)) }
    // Between operations the socket is always watched: for notifications, and for the end of the session.
    publishActivity()
    operations.end()
    if operations.isBusy {
      activity.store(.busy, ordering: .releasing)
    } else if let wire {
      channel?.watchWhileIdle(PQsocket(wire.connection), rearms: waits > 1)
    }
  }

  /// Ends an operation early, from anywhere.
  nonisolated func interrupt(_ id: UInt64, _ reason: Interruption) {
    Task { await self.interrupted(id, reason) }
  }

  /// Ends an operation early.
  func interrupted(_ id: UInt64, _ reason: Interruption) {
    guard operations.interrupt(id, reason) else {
      operations.giveUp(id)
      return
    }
    guard let wire, PQstatus(wire.connection) == CONNECTION_OK else {
      // Connecting: there is nothing to cancel, the waiting step sees the reason.
      channel?.interruptWait()
      return
    }
    startCancellation(id)
  }

  /// Makes libpq see the end of the connection, wherever it waits.
  func sever() {
    guard let wire else { return }
    let socket = PQsocket(wire.connection)
    if socket >= 0 { shutdown(socket, Int32(SHUT_RDWR)) }
  }
}

extension Connection {
  /// Ends the session at once, whatever runs on it.
  func abort() {
    sever()
    if !operations.isBusy { tearDown(PostgreSQLError(.connectionClosed, "the connection is closed")) }
  }
}
