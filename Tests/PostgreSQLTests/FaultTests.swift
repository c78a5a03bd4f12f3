import Foundation
import Logging
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// Tests of network and server failures at any point: each operation gives a correct result or a typed error, never a
/// hang, a crash or a partial transaction.
@Suite struct FaultTests {
  func withProxy(_ body: (FaultProxy, ConnectionConfiguration, ConnectionConfiguration) async throws -> Void)
    async throws
  {
    try await TestDatabase.withDatabase { direct in
      let proxy = try FaultProxy(to: direct)
      defer { proxy.close() }
      try await body(proxy, proxy.configuration(direct), direct)
    }
  }

  /// A conversation that uses every feature: connecting, prepared statements, a pipeline, a failing statement, a
  /// transaction with two rows, COPY in both directions, a cancelled statement, a notification.
  func converse(_ configuration: ConnectionConfiguration, _ round: Int) async throws {
    let connection = try await Connection.connect(configuration)
    do {
      for _ in 0..<2 {
        let one = try await connection.query("SELECT \(round)").first?.decode(Int.self)
        #expect(one == round)
      }
      let both = try await connection.pipeline(["SELECT \(round)", "SELECT \("text")", "LISTEN news"])
      #expect(try both[1].first?.decode(String.self) == "text")
      do {
        try await connection.query("SELECT 1 / \(0)")
      } catch let error as PostgreSQLError where error.kind == .server {
        #expect(error.sqlState?.rawValue == "22012")
      }
      try await connection.transaction { transaction in
        try await transaction.query("INSERT INTO t VALUES (\(round))")
        try await transaction.copyIn("COPY t FROM STDIN") { try await $0.write("\(round)\n") }
      }
      let text = try await connection.copyOut("COPY (SELECT 'x' FROM generate_series(1, 20)) TO STDOUT") {
        stream in
        var data = Data()
        for try await chunk in stream { data += chunk }
        return data
      }
      #expect(text == Data(String(repeating: "x\n", count: 20).utf8))
      try await cancelOne(connection)
      try await connection.query("NOTIFY news, 'more'")
    } catch {
      await connection.close()
      throw error
    }
    await connection.close()
  }

  private func cancelOne(_ connection: Connection) async throws {
    let sleeping = Task { try await connection.query("SELECT pg_sleep(60)") }
    // The moment does not matter; the statement may not have been sent yet.
    try? await Task.sleep(for: .milliseconds(2))
    sleeping.cancel()
    do {
      _ = try await sleeping.value
    } catch let error as PostgreSQLError where error.kind == .cancelled {}
  }

  /// Cuts the connection at the end of each message and inside each message's header, in either direction.
  @Test func `a cut anywhere gives a typed error and no partial transaction`() async throws {
    try await withProxy { proxy, configuration, direct in
      let watcher = try await Connection.connect(direct)
      try await watcher.query("CREATE TABLE t (a int8)")
      let (server, client) = try await recordedBoundaries(proxy, configuration)
      var configuration = configuration
      // A cut cancel request gets no response, and the connection is closed after this timeout.
      configuration.cancelTimeout = .milliseconds(100)
      var round = 0
      var failures = 0
      for (places, cutsServer) in [(server, true), (client, false)] {
        for place in places {
          round += 1
          proxy.plan.withLock { plan in
            plan.cutAfterServerBytes = cutsServer ? place : .max
            plan.cutAfterClientBytes = cutsServer ? .max : place
          }
          do {
            try await converse(configuration, round)
          } catch let error as PostgreSQLError {
            #expect(error.isConnectionProblem, "round \(round): \(error)")
            failures += 1
          }
        }
      }
      #expect(failures > round * 3 / 4, "\(failures) of \(round)")
      try await expectNoSessionsAndNoPartialTransaction(watcher)
      await watcher.close()
    }
  }

  /// The server falls silent at each of its messages. The timeouts end every wait.
  @Test func `silence anywhere ends in a timeout`() async throws {
    try await withProxy { proxy, configuration, direct in
      let watcher = try await Connection.connect(direct)
      try await watcher.query("CREATE TABLE t (a int8)")
      let (server, _) = try await recordedBoundaries(proxy, configuration)
      var configuration = configuration
      configuration.statementTimeout = .milliseconds(150)
      configuration.cancelTimeout = .milliseconds(50)
      configuration.connectTimeout = .milliseconds(150)
      let limited = configuration
      var ends = 0
      for place in server where place % 4 == 0 {
        proxy.plan.withLock { $0 = FaultProxy.Plan(stallAfterServerBytes: place) }
        // COPY and COMMIT have no timeout of their own. Cancelling the task ends them.
        let conversation = Task { try await converse(limited, place) }
        let limit = Task {
          try await Task.sleep(for: .milliseconds(600))
          conversation.cancel()
        }
        do {
          try await conversation.value
        } catch let error as PostgreSQLError {
          #expect(
            error.isConnectionProblem || [.statementTimeout, .cancelled].contains(error.kind),
            "\(place): \(error)")
          ends += 1
        }
        limit.cancel()
      }
      #expect(ends > 5)
      try await expectNoSessionsAndNoPartialTransaction(watcher)
      await watcher.close()
    }
  }

  /// A listener that is cut at any point reports it, reconnects and receives notifications.
  @Test func `a listener survives cuts anywhere`() async throws {
    try await withProxy { proxy, configuration, direct in
      let pool = ConnectionPool(.init(connection: direct, maximum: 1))
      proxy.plan.withLock { $0.isRecorded = true }
      try await receive(configuration, pool) { proxy.plan.withLock { $0.isRecorded = false } }
      for place in proxy.boundaries().server {
        proxy.plan.withLock { $0.cutAfterServerBytes = place }
        try await receive(configuration, pool) { proxy.plan.withLock { $0.cutAfterServerBytes = .max } }
      }
      await pool.close()
    }
  }

  /// Listens until a notification arrives. `repair` is called when the first connection is lost or established.
  private func receive(
    _ configuration: ConnectionConfiguration, _ pool: ConnectionPool, _ repair: () -> Void
  ) async throws {
    for await event in Listener(configuration, channels: ["news"], logger: Self.silent).events() {
      switch event {
      case .connected: try await pool.query("NOTIFY news, 'hello'")
      case .disconnected(let error): #expect(error.isConnectionProblem, "\(error)")
      case .alive: continue
      case .notification(_, let payload, _):
        #expect(payload == "hello")
        repair()
        return
      }
      repair()
    }
  }

  private static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }

  private func recordedBoundaries(
    _ proxy: FaultProxy, _ configuration: ConnectionConfiguration
  ) async throws -> (server: [Int], client: [Int]) {
    // Only the first connection is recorded, since the cancel request opens another one.
    proxy.plan.withLock { $0.isRecorded = true }
    try await converse(configuration, 0)
    proxy.plan.withLock { $0.isRecorded = false }
    return proxy.boundaries()
  }

  private func expectNoSessionsAndNoPartialTransaction(_ watcher: Connection) async throws {
    // A session that has lost its client may need a moment to notice. While it sleeps it does not check its socket,
    // and a cut cancel request cannot reach it.
    try await eventually {
      try await watcher.query(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query <> 'SELECT pg_sleep(60)'
        """
      ).first?.decode(Int.self) == 0
    }
    let halves = try await watcher.query("SELECT a FROM t GROUP BY a HAVING count(*) <> 2")
    #expect(halves.isEmpty)
  }

  @Test func `small TCP segments change nothing`() async throws {
    try await withProxy { proxy, configuration, direct in
      let watcher = try await Connection.connect(direct)
      try await watcher.query("CREATE TABLE t (a int8)")
      proxy.plan.withLock { $0.pieces = 1 }
      try await converse(configuration, 1)
      proxy.plan.withLock { $0.pieces = 7 }
      try await converse(configuration, 2)
      await watcher.close()
    }
  }

  /// The server falls silent, also towards the cancel request. The statement timeout still ends the wait, and the
  /// connection is not reused.
  @Test func `a silent server ends in a timeout`() async throws {
    try await withProxy { proxy, configuration, _ in
      var configuration = configuration
      configuration.statementTimeout = .seconds(2)
      configuration.cancelTimeout = .milliseconds(500)
      configuration.connectTimeout = .seconds(4)
      let pool = ConnectionPool(.init(connection: configuration, maximum: 1, acquireTimeout: .seconds(120)))
      try await pool.query("SELECT 1")
      proxy.plan.withLock { $0.isStalled = true }
      let error = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 2") }
      #expect(error?.kind == .statementTimeout)
      let unavailable = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 3") }
      #expect(unavailable?.kind == .connectionFailed)
      proxy.plan.withLock { $0.isStalled = false }
      try await recovers(pool)
      await pool.close()
    }
  }

  @Test func `a terminated backend in a transaction`() async throws {
    try await TestDatabase.withPool { pool in
      try await pool.query("CREATE TABLE t (a int)")
      let error = await #expect(throws: PostgreSQLError.self) {
        try await pool.transaction { transaction in
          try await transaction.query("INSERT INTO t VALUES (1)")
          let pid = try await transaction.query("SELECT pg_backend_pid()").first?.decode(Int32.self) ?? 0
          try await pool.query("SELECT pg_terminate_backend(\(pid))")
          try await transaction.query("INSERT INTO t VALUES (2)")
        }
      }
      #expect(error?.isConnectionProblem == true)
      #expect(try await pool.query("SELECT count(*) FROM t").first?.decode(Int.self) == 0)
      #expect(pool.statistics().inUse == 0)
    }
  }

  @Test func `a killed and restarted server is reached again`() async throws {
    try await TestCluster.with { cluster in
      let pool = ConnectionPool(
        .init(connection: cluster.configuration, maximum: 3, acquireTimeout: .seconds(60)))
      try await pool.query("CREATE TABLE t (a int)")
      let sleeping = Task { try await pool.query("SELECT pg_sleep(600)") }
      try await cluster.configuration.waitForSleep()
      try await cluster.kill()
      let lost = await #expect(throws: PostgreSQLError.self) { try await sleeping.value }
      #expect(lost?.isConnectionProblem == true)
      let unavailable = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 1") }
      #expect(unavailable?.isConnectionProblem == true)
      try await cluster.start()
      try await recovers(pool)
      let statistics = pool.statistics()
      #expect(statistics.inUse == 0 && statistics.waiting == 0)
      await pool.close()
    }
  }

  /// Waits until the pool answers again. Until then its errors say that the database is unavailable.
  private func recovers(_ pool: ConnectionPool) async throws {
    try await eventually {
      do {
        return try await pool.query("SELECT 1").count == 1
      } catch let error as PostgreSQLError where error.isConnectionProblem || error.kind == .statementTimeout
      {
        return false
      }
    }
  }
}
