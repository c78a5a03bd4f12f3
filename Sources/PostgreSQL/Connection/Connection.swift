internal import CLibPQ
internal import Glibc
internal import Logging
internal import Synchronization

/// One session with a PostgreSQL server.
///
/// Statements of several tasks on one connection run one after the other, in the order of their calls. Cancelling the task of a
/// statement cancels the statement on the server; the connection is free again when the outcome of the cancellation is known,
/// so that a late cancel request cannot hit the next statement. A connection without references is closed.
///
/// Sound as `@unchecked Sendable`: only the current operation uses the mutable properties below `state`, and each operation
/// hands over to the next through the lock of `state`.
public final class Connection: @unchecked Sendable {
  let loop: EventLoop
  let configuration: ConnectionConfiguration
  let logger: Logger
  let notices: NoticeReceiver
  let channel: Channel
  /// The status for the pool, readable without becoming the current operation.
  let status = Atomic<ConnectionStatus>(.busy)
  /// Whether libpq's buffers have grown with a large message.
  let hasLargeBuffers = Atomic(false)
  /// The properties that any thread may use, among them the current operation.
  let state = LockedValueBox(ConnectionState())

  /// libpq's connection; nil before connecting and after closing.
  var libpq: LibPQProtocolConnection?
  /// A duplicate of libpq's socket to wait on; -1 while connecting, when libpq's own socket may change. libpq closes its
  /// descriptor when it finds the session lost, and the number may then belong to another file.
  var socket: Int32 = -1
  /// The number of waits of the current operation.
  var waits = 0
  var statements: StatementCache
  /// Whether all rows of the running COPY have been read, while its result has not.
  var copyHasEnded = false
  /// The reason why the connection cannot be used any more.
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

  /// The backend PID of this session (`pg_backend_pid()`); 0 when closed.
  public var processID: Int32 { state.withLock { $0.end == nil ? $0.processID : 0 } }

  /// The server's version as a number, such as 150018.
  public var serverVersion: Int { state.withLock(\.serverVersion) }

  /// Whether the connection has been closed or lost.
  public var isClosed: Bool { status.load(ordering: .acquiring) == .closed }

  /// Ends the session after the running operation, if there is one.
  public func close() async { await close(PostgreSQLError(.connectionClosed, "the connection is closed")) }

  /// The error of a call on a closed connection.
  var closedError: PostgreSQLError {
    failure ?? PostgreSQLError(.connectionClosed, "the connection is closed")
  }

  /// Ends the session after the running operation; later calls throw `reason`.
  func close(_ reason: PostgreSQLError) async {
    let id = OperationID.next()
    // An error means that the connection is closed already.
    guard (try? await enter(id, ignoresCancellation: true)) != nil else { return }
    tearDown(reason)
    await finish(id)
  }

  /// Waits for the socket. Returns an empty set if the wait was interrupted.
  func wait(for interest: Readiness, rearms: Bool) async -> Readiness {
    guard let libpq else { return .read }
    return await channel.wait(socket >= 0 ? socket : libpq.socket, for: interest, rearms: rearms)
  }

  /// Runs protocol steps to their end, and waits for the socket in between.
  func perform<Steps: ProtocolSteps>(_ steps: consuming Steps) async throws -> Steps.Output {
    var ready: Readiness = []
    while true {
      guard var libpq else { throw closedError }
      switch steps.advance(&libpq, ready: ready) {
      case .done(let output): return output
      case .wait(let interest):
        if libpq.isBroken {
          // No step should wait for a lost connection; this prevents an endless wait.
          tearDown(PostgreSQLError(.connectionLost, libpq.errorMessage))
          continue
        }
        // Before the first wait of an operation the socket has no unread bytes; later it may have.
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

  /// Closes the connection at once; the first reason is kept. Called by the current operation.
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

  /// Calls `callback` when the connection ends, at once if it has ended.
  func notifyEnd(_ callback: @escaping @Sendable (PostgreSQLError) -> Void) {
    let end = state.withLock { state in
      if state.end == nil { state.onEnd.append(callback) }
      return state.end
    }
    if let end { callback(end) }
  }
}
