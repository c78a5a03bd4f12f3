internal import CLibPQ
internal import Glibc
internal import Logging
internal import Synchronization

/// One session with a server.
///
/// Statements of several tasks on one connection run one after the other, in the order they came.
/// Cancelling the task of a statement cancels the statement on the server; the connection is free again when
/// the outcome of that is known, so that a late cancel cannot hit the next statement.
/// A connection that is dropped is closed.
///
/// Sound as `@unchecked Sendable`: the mutable properties below `state` are used by the operation that the state
/// has admitted, of which there is one at a time, and each hands over to the next through the state's lock.
public final class Connection: @unchecked Sendable {
  let loop: EventLoop
  let configuration: ConnectionConfiguration
  let logger: Logger
  let notices: NoticeReceiver
  let channel: Channel
  /// What the pool needs to know without asking for the connection.
  let status = Atomic<ConnectionStatus>(.busy)
  /// Who may use the rest.
  let state = LockedValueBox(ConnectionState())

  /// nil before connecting and after closing.
  var libpq: LibPQProtocolConnection?
  /// What is waited for: while connecting libpq's socket, which may change; after that a descriptor of our own
  /// for it. libpq closes its own when it finds the session lost, and then its number may be another file's.
  var socket: Int32 = -1
  /// How often the current operation has waited.
  var waits = 0
  var statements: StatementCache
  /// All rows of the running COPY have been read; its result has not.
  var copyHasEnded = false
  /// Why the connection cannot be used any more.
  var failure: PostgreSQLError?

  init(_ configuration: ConnectionConfiguration, loop: EventLoop, logger: Logger) {
    self.configuration = configuration
    self.loop = loop
    self.logger = logger
    statements = StatementCache(capacity: configuration.statementCacheCapacity)
    notices = NoticeReceiver(logger)
    channel = Channel(loop: loop)
    channel.onIdleEvent { [weak self] in self?.readWhileIdle() }
  }

  deinit { tearDown(PostgreSQLError(.connectionClosed, "the connection was dropped")) }

  /// The server's process for this session (`pg_backend_pid()`), 0 when closed.
  public var processID: Int32 { state.withLock { $0.end == nil ? $0.processID : 0 } }

  /// The server's version as a number, such as 150018.
  public var serverVersion: Int { state.withLock(\.serverVersion) }

  /// True once the connection has been closed or lost.
  public var isClosed: Bool { status.load(ordering: .acquiring) == .closed }

  /// Ends the session after the running statement, if there is one.
  public func close() async { await close(PostgreSQLError(.connectionClosed, "the connection is closed")) }

  /// Ends the session for a reason.
  func close(_ reason: PostgreSQLError) async {
    let id = OperationID.next()
    // An error means that it is closed already.
    guard (try? await enter(id, ignoresCancellation: true)) != nil else { return }
    tearDown(reason)
    await finish(id)
  }

  /// Waits for the socket. Empty if somebody interrupted the wait.
  func wait(for interest: Readiness, rearms: Bool) async -> Readiness {
    guard let libpq else { return .read }
    return await channel.wait(socket >= 0 ? socket : libpq.socket, for: interest, rearms: rearms)
  }

  /// Goes through a part of the conversation to its end.
  func perform<Steps: ProtocolSteps>(_ steps: consuming Steps) async throws -> Steps.Output {
    var ready: Readiness = []
    while true {
      guard var libpq else { throw failure ?? PostgreSQLError(.connectionClosed, "the connection is closed") }
      switch steps.advance(&libpq, ready: ready) {
      case .done(let output): return output
      case .wait(let interest):
        if libpq.isBroken {
          // No step waits for a lost connection; should one do, it must not wait for ever.
          tearDown(PostgreSQLError(.connectionLost, libpq.errorMessage))
          continue
        }
        // Before the first wait of an operation nothing can lie unread; after it anything can.
        let rearms = waits > 0 || interest.contains(.write)
        waits += 1
        ready = await wait(for: interest, rearms: rearms)
      }
    }
  }

  func deliverNotifications() {
    guard let libpq else { return }
    while let notify = PQnotifies(libpq.connection) {
      let notification = Notification(
        channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra),
        processID: Int32(notify.pointee.be_pid))
      PQfreemem(notify)
      state.withLock(\.onNotification)?(notification)
    }
  }

  /// Ends everything at once; the first reason counts. To be called by the current operation.
  func tearDown(_ reason: PostgreSQLError) {
    guard failure == nil || libpq != nil else { return }
    let reason = failure ?? reason
    failure = reason
    status.store(.closed, ordering: .releasing)
    let callbacks = state.withLock { state in
      defer { state.onEnd = [] }
      state.socket = -1
      state.canceller = nil
      state.end = reason
      return state.onEnd
    }
    channel.close()
    if socket >= 0 { Glibc.close(socket) }
    socket = -1
    libpq?.finish()
    libpq = nil
    for callback in callbacks { callback(reason) }
  }

  /// Calls back when the connection ends, at once if it has.
  func notifyEnd(_ callback: @escaping @Sendable (PostgreSQLError) -> Void) {
    let end = state.withLock { state in
      if state.end == nil { state.onEnd.append(callback) }
      return state.end
    }
    if let end { callback(end) }
  }
}
