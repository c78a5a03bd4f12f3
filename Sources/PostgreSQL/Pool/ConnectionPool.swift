public import Logging
internal import Synchronization

/// A bounded pool of connections, each lent to one task at a time.
///
/// Connections are shared fairly between the owners of the work (``Borrower``): one owner gets at most three quarters of them, and
/// an eighth is left to urgent work.
///
/// A connection returned inside a transaction is rolled back; a broken one is replaced, and so is one that has transferred a message
/// of several megabytes, whose buffers libpq would keep. Session settings, temporary tables and advisory locks are not reset: the
/// task that creates them removes them.
public final class ConnectionPool: Sendable {
  /// The limits of a pool.
  public struct Configuration: Sendable {
    /// The parameters of each connection.
    public var connection: ConnectionConfiguration
    /// The number of connections that ``ConnectionPool/run()`` keeps open.
    public var minimum: Int
    /// The maximum number of connections.
    public var maximum: Int
    /// How long a task waits for a connection.
    public var acquireTimeout: Duration
    /// How long a connection beyond the minimum may stay idle.
    public var idleTimeout: Duration
    /// The age at which a connection is replaced.
    public var maxLifetime: Duration
    /// How long ``ConnectionPool/close()`` waits for borrowed connections before it closes them.
    public var closeTimeout: Duration = .seconds(10)

    /// Creates a configuration with defaults for a small service.
    public init(
      connection: ConnectionConfiguration, minimum: Int = 0, maximum: Int = 8,
      acquireTimeout: Duration = .seconds(5), idleTimeout: Duration = .seconds(300),
      maxLifetime: Duration = .seconds(3600)
    ) {
      self.connection = connection
      self.minimum = min(minimum, maximum)
      self.maximum = max(1, maximum)
      self.acquireTimeout = acquireTimeout
      self.idleTimeout = idleTimeout
      self.maxLifetime = maxLifetime
    }
  }

  /// A snapshot of the pool's gauges and counters.
  public struct Statistics: Sendable, Hashable {
    /// Open connections.
    public var open: Int
    /// Open connections that are idle.
    public var idle: Int
    /// Open connections that are borrowed.
    public var inUse: Int
    /// Connection attempts in progress.
    public var connecting: Int
    /// Tasks that wait for a connection.
    public var waiting: Int
    /// Completed waits for a connection since the pool was created, with or without success.
    public var waits: Int
    /// The total duration of ``waits``.
    public var waited: Duration
    /// The number of ``waits`` that timed out.
    public var timeouts: Int
  }

  struct State {
    var machine: PoolStateMachine
    var connections: [Int: Connection] = [:]
    var waiters: [Int: CheckedContinuation<Lease, any Error>] = [:]
    var closers: [CheckedContinuation<Void, Never>] = []
    var attempts: [Int: Task<Void, Never>] = [:]
    var nextWaiter = 1
    var waits = 0
    var waited = Duration.zero
    var timeouts = 0
    /// The current run of failed connection attempts, if the last attempt failed.
    var connectFailures: ConnectFailures?
    /// Connections to release outside the lock, see ``ConnectionPool/withState(_:)``.
    var dropped: [Connection] = []

    mutating func drop(_ id: Int) {
      if let connection = connections.removeValue(forKey: id) { dropped.append(connection) }
    }
  }

  /// Runs the closure under the lock. The last reference to a connection must not be released inside: the connection reports its
  /// end to the pool, which takes the lock.
  func withState<T>(_ body: (inout State) throws -> T) rethrows -> T {
    var dropped: [Connection] = []
    defer { dropped.removeAll() }
    return try state.withLock { state in
      defer { swap(&dropped, &state.dropped) }
      return try body(&state)
    }
  }

  /// A borrowed connection and its number in the pool.
  struct Lease: Sendable {
    let id: Int
    let connection: Connection
  }

  let configuration: Configuration
  let logger: Logger
  let state: LockedValueBox<State>

  /// Creates a pool. It connects on the first request, or when ``run()`` is called.
  public init(_ configuration: Configuration, logger: Logger = Logger(label: "postgresql.pool")) {
    self.configuration = configuration
    self.logger = logger
    let limits = PoolStateMachine.Limits(
      minimum: configuration.minimum, maximum: configuration.maximum,
      idleTimeout: configuration.idleTimeout, maxLifetime: configuration.maxLifetime)
    state = LockedValueBox(State(machine: PoolStateMachine(limits)))
  }

  /// The parameters of the pool's connections.
  public var connectionConfiguration: ConnectionConfiguration { configuration.connection }

  /// The maximum number of connections.
  public var maximum: Int { configuration.maximum }

  /// Returns the current gauges and counters.
  public func statistics() -> Statistics {
    state.withLock { state in
      Statistics(
        open: state.machine.open, idle: state.machine.idle.count, inUse: state.machine.inUseCount,
        connecting: state.machine.connecting.count, waiting: state.machine.waitingCount,
        waits: state.waits, waited: state.waited, timeouts: state.timeouts)
    }
  }

  /// Maintains the pool until the task is cancelled, then closes it: keeps the minimum open, and closes connections beyond their
  /// age or idle time. Without it the pool works, but only grows.
  public func run() async throws {
    let interval = min(.milliseconds(500), configuration.idleTimeout, configuration.maxLifetime)
    while !Task.isCancelled {
      perform { $0.tick(now: .now) }
      try? await Task.sleep(for: max(interval, .milliseconds(10)))
    }
    await close()
  }

  /// Lends a connection to the closure.
  ///
  /// `limit` bounds the wait for a connection, if shorter than `acquireTimeout`. ``Borrower`` says how a pool shares its connections.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `acquireTimeout`, `connectionFailed`, `cancelled` or `poolClosed` if there is no
  ///   connection to lend, and any error of the closure.
  public nonisolated(nonsending) func withConnection<T>(
    for borrower: Borrower = .process, waiting limit: Duration? = nil,
    _ body: nonisolated(nonsending) (Connection) async throws -> T
  ) async throws -> T {
    let lease = try await acquire(for: borrower, within: limit)
    defer { release(lease) }
    return try await body(lease.connection)
  }

  /// Runs the closure in a transaction on a connection of its own; see
  /// ``Connection/transaction(setup:isolation:readOnly:within:file:line:_:)``.
  ///
  /// `limit` bounds the duration of the whole transaction, the wait for a connection included.
  public nonisolated(nonsending) func transaction<T>(
    for borrower: Borrower = .process, setup: [Query] = [], isolation: IsolationLevel? = nil,
    readOnly: Bool = false,
    within limit: Duration? = nil,
    file: String = #fileID, line: Int = #line,
    _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    let deadline = limit.map { ContinuousClock.now + $0 }
    // Checked before the wait for a connection, because other tasks hold connections while they wait for their commits.
    if !readOnly { try configuration.connection.commitBreaker?.admit() }
    return try await withConnection(for: borrower, waiting: limit) { connection in
      try await connection.transaction(
        setup: setup, isolation: isolation, readOnly: readOnly, within: deadline.map { $0 - .now },
        file: file,
        line: line, body)
    }
  }

  /// Runs one statement on any connection.
  ///
  /// `limit` bounds the duration of the call, the wait for a connection included; see ``Transaction/limited(to:)``.
  @discardableResult
  public nonisolated(nonsending) func query(
    _ query: Query, within limit: Duration? = nil, file: String = #fileID, line: Int = #line
  ) async throws -> QueryResult {
    let deadline = limit.map { ContinuousClock.now + $0 }
    return try await withConnection(waiting: limit) {
      try await first($0.run([query], Call(sql: query.sql, file: file, line: line).before(deadline)))
    }
  }

  /// Runs a pipeline on any connection.
  ///
  /// `limit` bounds the duration of the call, the wait for a connection included; see ``Transaction/limited(to:)``.
  @discardableResult
  public nonisolated(nonsending) func pipeline(
    _ queries: [Query], within limit: Duration? = nil, file: String = #fileID, line: Int = #line
  ) async throws -> [QueryResult] {
    let deadline = limit.map { ContinuousClock.now + $0 }
    if queries.endsWithCommit, !queries.beginsReadOnly {
      try configuration.connection.commitBreaker?.admit()
    }
    return try await withConnection(waiting: limit) {
      try await $0.run(queries, Call(sql: nil, file: file, line: line).before(deadline))
    }
  }

  /// Stops lending, waits for borrowed connections up to `closeTimeout`, then closes all.
  public func close() async {
    let timer = Task { [configuration] in
      try? await Task.sleep(for: configuration.closeTimeout)
      self.abandon()
    }
    await withCheckedContinuation { continuation in
      state.withLock { $0.closers.append(continuation) }
      perform { machine in
        let actions = machine.shutDown()
        // On a second call all connections may be closed already.
        let isClosed = machine.open == 0 && machine.connecting.isEmpty
        return actions.isEmpty && isClosed ? [.shutDownComplete] : actions
      }
    }
    timer.cancel()
  }
}
