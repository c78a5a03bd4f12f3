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

  /// nil before connecting and after closing.
  var wire: LibPQWire?
  var channel: Channel?
  /// How often the current operation has waited.
  var waits = 0
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
  func wait(for interest: Readiness, rearms: Bool) async -> Readiness {
    guard let wire, let channel else { return .read }
    return await channel.wait(PQsocket(wire.connection), for: interest, rearms: rearms)
  }

  /// Goes through a part of the conversation to its end.
  func perform<Steps: ProtocolSteps>(_ steps: consuming Steps) async throws -> Steps.Output {
    var ready: Readiness = []
    while true {
      guard var wire else { throw failure ?? PostgreSQLError(.connectionClosed, "the connection is closed") }
      switch steps.advance(&wire, ready: ready) {
      case .done(let output): return output
      case .wait(let interest):
        if wire.isBroken {
          // No step waits for a lost connection; should one do, it must not wait for ever.
          tearDown(PostgreSQLError(.connectionLost, wire.errorMessage))
          continue
        }
        // Before the first wait of an operation nothing can lie unread; after it anything can.
        let rearms = waits > 0 || interest.contains(.write)
        waits += 1
        ready = await wait(for: interest, rearms: rearms)
      }
    }
  }

  /// Reads what came without being asked for: notifications, or the end of the session.
  func readWhileIdle() {
    guard !operations.isBusy, let wire else { return }
    let isAlive = wire.consumeInput()
    deliverNotifications()
    if !isAlive || wire.isBroken {
      tearDown(PostgreSQLError(.connectionLost, wire.errorMessage))
    } else {
      // Unread bytes would bring no edge of their own.
      channel?.watchWhileIdle(PQsocket(wire.connection), rearms: true)
    }
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
    let callbacks = onEnd
    onEnd = []
    for callback in callbacks { callback(failure ?? reason) }
  }

  /// Calls back when the connection ends, at once if it has.
  func notifyEnd(_ callback: @escaping @Sendable (PostgreSQLError) -> Void) {
    if let failure, wire == nil { callback(failure) } else { onEnd.append(callback) }
  }
}
