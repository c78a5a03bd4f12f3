public import Logging
internal import Synchronization

/// A bounded number of connections, lent to one task at a time.
///
/// A connection that comes back inside a transaction is rolled back; one that is broken is replaced. Settings,
/// temporary tables and advisory locks of the session stay: who makes them removes them.
public final class ConnectionPool: Sendable {
  /// Limits of a pool.
  public struct Configuration: Sendable {
    /// Where to connect to.
    public var connection: ConnectionConfiguration
    /// How many connections ``ConnectionPool/run()`` keeps open.
    public var minimum: Int
    /// How many connections there are at most.
    public var maximum: Int
    /// How long a request for a connection waits.
    public var acquireTimeout: Duration
    /// How long a connection beyond the minimum may stay unused.
    public var idleTimeout: Duration
    /// How long a connection is used before it is replaced.
    public var maxLifetime: Duration
    /// How long ``ConnectionPool/close()`` waits for borrowed connections.
    public var closeTimeout: Duration = .seconds(10)

    /// A configuration with defaults fit for a small service.
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

  /// A moment's numbers.
  public struct Statistics: Sendable, Hashable {
    /// Connections that are open.
    public var open: Int
    /// Open ones that nobody uses.
    public var idle: Int
    /// Open ones that are lent.
    public var inUse: Int
    /// Attempts to connect that are under way.
    public var connecting: Int
    /// Tasks that wait for a connection.
    public var waiting: Int
    /// How often a task has waited for a connection since the pool was made, with or without success.
    public var waits: Int
    /// How long those waits took, together.
    public var waited: Duration
    /// How many of them ended because the time was up.
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
    /// Set from the first failed attempt to connect to the next success.
    var connectFailures: ConnectFailures?
    /// Connections that are given up, for ``ConnectionPool/withState(_:)``.
    var dropped: [Connection] = []

    mutating func drop(_ id: Int) {
      if let connection = connections.removeValue(forKey: id) { dropped.append(connection) }
    }
  }

  /// The lock. A connection's last reference must not be given up inside: its end is reported to the pool, which
  /// takes the lock.
  func withState<T>(_ body: (inout State) throws -> T) rethrows -> T {
    var dropped: [Connection] = []
    defer { dropped.removeAll() }
    return try state.withLock { state in
      defer { swap(&dropped, &state.dropped) }
      return try body(&state)
    }
  }

  /// A borrowed connection.
  struct Lease: Sendable {
    let id: Int
    let connection: Connection
  }

  let configuration: Configuration
  let logger: Logger
  let state: LockedValueBox<State>

  /// Makes a pool; it connects when it is asked for a connection, or when it is ``run()``.
  public init(_ configuration: Configuration, logger: Logger = Logger(label: "postgresql.pool")) {
    self.configuration = configuration
    self.logger = logger
    let limits = PoolStateMachine.Limits(
      minimum: configuration.minimum, maximum: configuration.maximum,
      idleTimeout: configuration.idleTimeout, maxLifetime: configuration.maxLifetime)
    state = LockedValueBox(State(machine: PoolStateMachine(limits)))
  }

  /// Where the pool connects to.
  public var connectionConfiguration: ConnectionConfiguration { configuration.connection }

  /// How many connections there are at most.
  public var maximum: Int { configuration.maximum }

  /// The numbers of this moment.
  public func statistics() -> Statistics {
    state.withLock { state in
      Statistics(
        open: state.machine.open, idle: state.machine.idle.count, inUse: state.machine.inUse.count,
        connecting: state.machine.connecting.count, waiting: state.machine.waiting.count,
        waits: state.waits, waited: state.waited, timeouts: state.timeouts)
    }
  }

  /// Keeps the minimum open and applies the limits on age and idleness until the task is cancelled, then closes
  /// the pool. A pool works without it, but only grows.
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
  /// Throws a ``PostgreSQLError`` of kind `acquireTimeout`, `connectionFailed`, `cancelled` or `poolClosed` if
  /// there is none to lend, and whatever the closure throws.
  ///
  /// - Parameter limit: how long to wait for one, if that is less than the configured time.
  public nonisolated(nonsending) func withConnection<T>(
    waiting limit: Duration? = nil, _ body: nonisolated(nonsending) (Connection) async throws -> T
  ) async throws -> T {
    let lease = try await acquire(within: limit)
    defer { release(lease) }
    return try await body(lease.connection)
  }

  /// Runs the closure in a transaction on a connection of its own; see
  /// ``Connection/transaction(setup:isolation:readOnly:within:file:line:_:)``.
  ///
  /// - Parameter limit: how long all of it may take, the wait for a connection included.
  public nonisolated(nonsending) func transaction<T>(
    setup: [Query] = [], isolation: IsolationLevel? = nil, readOnly: Bool = false,
    within limit: Duration? = nil,
    file: String = #fileID, line: Int = #line,
    _ body: nonisolated(nonsending) (Transaction) async throws -> T
  ) async throws -> T {
    let deadline = limit.map { ContinuousClock.now + $0 }
    // Before a connection is waited for, which others hold that wait for their commits.
    if !readOnly { try configuration.connection.commitBreaker?.admit() }
    return try await withConnection(waiting: limit) { connection in
      try await connection.transaction(
        setup: setup, isolation: isolation, readOnly: readOnly, within: deadline.map { $0 - .now },
        file: file,
        line: line, body)
    }
  }

  /// Runs one statement on any connection.
  ///
  /// - Parameter limit: how long it may take, the wait for a connection included; see ``Transaction/limited(to:)``.
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
  /// - Parameter limit: how long it may take, the wait for a connection included; see ``Transaction/limited(to:)``.
  @discardableResult
  public nonisolated(nonsending) func pipeline(
    _ queries: [Query], within limit: Duration? = nil, file: String = #fileID, line: Int = #line
  ) async throws -> [QueryResult] {
    let deadline = limit.map { ContinuousClock.now + $0 }
    if queries.last?.sql == "COMMIT", queries.first?.sql != "BEGIN READ ONLY" {
      try configuration.connection.commitBreaker?.admit()
    }
    return try await withConnection(waiting: limit) {
      try await $0.run(queries, Call(sql: nil, file: file, line: line).before(deadline))
    }
  }

  /// Lends no more connections, waits for the borrowed ones up to the configured limit, then closes all.
  public func close() async {
    let timer = Task { [configuration] in
      try? await Task.sleep(for: configuration.closeTimeout)
      self.abandon()
    }
    await withCheckedContinuation { continuation in
      state.withLock { $0.closers.append(continuation) }
      perform { machine in
        let actions = machine.shutDown()
        // A second call: everything may be closed already.
        let isOver = machine.open == 0 && machine.connecting.isEmpty
        return actions.isEmpty && isOver ? [.shutDownComplete] : actions
      }
    }
    timer.cancel()
  }
}
