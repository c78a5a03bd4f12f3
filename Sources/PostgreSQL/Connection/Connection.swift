internal import CLibPQ
internal import Logging
internal import Synchronization

/// One session with a server.
///
/// Statements of several tasks on one connection run one after the other, in the order they came.
/// Cancelling the task of a statement cancels the statement on the server; the connection is free again when
/// the outcome of that is known, so that a late cancel cannot hit the next statement.
/// A connection that is dropped is closed.
public actor Connection {
  nonisolated let loop: EventLoop
  nonisolated let configuration: ConnectionConfiguration
  nonisolated let logger: Logger
  /// What the pool needs to know without asking the actor.
  nonisolated let activity = Atomic<Activity>(.busy)

  /// The connection runs on its event loop's thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// nil before connecting and after closing.
  var wire: LibPQWire?
  var channel: Channel?
  /// Who waits for the socket; there is at most one, as operations exclude each other.
  var waiter: UnsafeContinuation<Readiness, Never>?
  var operations = OperationQueue()
  var cancellation: Cancellation?
  var statements: StatementCache
  var transaction: TransactionContext?
  /// The COPY that is running, if one is.
  var copy: CopyDirection?
  /// All rows of the running COPY have been read; its result has not.
  var copyHasEnded = false
  /// The COPY TO that was last read to its end.
  var copyOutEnded: UInt64?
  /// Why the connection cannot be used any more.
  var failure: PostgreSQLError?
  var onNotification: (@Sendable (Notification) -> Void)?
  var onEnd: [@Sendable (PostgreSQLError) -> Void] = []
  let notices: NoticeSink

  init(_ configuration: ConnectionConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
    statements = StatementCache(capacity: configuration.statementCacheCapacity)
    notices = NoticeSink(logger)
  }

  isolated deinit { tearDown(PostgreSQLError(.connectionClosed, "the connection was dropped")) }

  /// The server's process for this session (`pg_backend_pid()`), 0 when closed.
  public var processID: Int32 { wire.map { PQbackendPID($0.connection) } ?? 0 }

  /// The server's version as a number, such as 150018.
  public var serverVersion: Int { wire.map { Int(PQserverVersion($0.connection)) } ?? 0 }

  /// True once the connection has been closed or lost.
  public nonisolated var isClosed: Bool { activity.load(ordering: .acquiring) == .closed }

  /// Ends the session after the running statement, if there is one.
  public func close() async {
    let id = OperationID.next()
    try? await enter(id, shielded: true)
    tearDown(PostgreSQLError(.connectionClosed, "the connection is closed"))
    leave(id)
  }

  /// Waits for the socket. Empty if somebody interrupted the wait.
  ///
  /// The waiter is there before the socket is watched: a task with an executor preference leaves the loop on its way
  /// into the continuation, and an event that finds no waiter ends the watching.
  func wait(for interest: Readiness) async -> Readiness {
    await withUnsafeContinuation { continuation in
      guard let wire, let channel, channel.watch(PQsocket(wire.connection), for: interest) else {
        // Without a socket there is nothing to wait for; reading finds out what happened.
        continuation.resume(returning: .read)
        return
      }
      if let id = operations.current, operations.interruption(of: id) != nil,
        PQstatus(wire.connection) != CONNECTION_OK
      {
        // Interrupted while connecting, just before.
        continuation.resume(returning: [])
        return
      }
      waiter = continuation
    }
  }

  /// The event loop's call. False if nobody wants to read now.
  func socketReady(_ ready: Readiness) -> Bool {
    if let waiter {
      self.waiter = nil
      waiter.resume(returning: ready)
      return true
    }
    guard !operations.isBusy else { return false }
    return readWhileIdle()
  }

  /// Goes through a part of the conversation to its end.
  func perform<Steps: ProtocolSteps>(_ steps: consuming Steps) async throws -> Steps.Output {
    var ready: Readiness = []
    while true {
      guard var wire else { throw failure ?? PostgreSQLError(.connectionClosed, "the connection is closed") }
      switch steps.advance(&wire, ready: ready) {
      case .done(let output): return output
      case .wait(let interest): ready = await wait(for: interest)
      }
    }
  }

  /// Reads what came without being asked for: notifications, or the end of the session.
  private func readWhileIdle() -> Bool {
    guard let wire else { return false }
    let isAlive = wire.consumeInput()
    deliverNotifications()
    if !isAlive || wire.isBroken {
      tearDown(PostgreSQLError(.connectionLost, wire.errorMessage))
      return true
    }
    return channel?.watch(PQsocket(wire.connection), for: .read) ?? false
  }

  func deliverNotifications() {
    guard let wire else { return }
    while let notify = PQnotifies(wire.connection) {
      let notification = Notification(
        channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra),
        processID: Int32(notify.pointee.be_pid))
      PQfreemem(notify)
      onNotification?(notification)
    }
  }

  /// Ends everything at once; the first reason counts.
  func tearDown(_ reason: PostgreSQLError) {
    guard failure == nil || wire != nil else { return }
    if failure == nil { failure = reason }
    activity.store(.closed, ordering: .releasing)
    channel?.close()
    channel = nil
    wire?.finish()
    wire = nil
    waiter?.resume(returning: [])
    waiter = nil
    let callbacks = onEnd
    onEnd = []
    for callback in callbacks { callback(failure ?? reason) }
  }

  /// Calls back when the connection ends, at once if it has.
  func notifyEnd(_ callback: @escaping @Sendable (PostgreSQLError) -> Void) {
    if let failure, wire == nil { callback(failure) } else { onEnd.append(callback) }
  }
}
