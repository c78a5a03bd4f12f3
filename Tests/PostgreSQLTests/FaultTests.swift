import Foundation
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// What happens when the network or the server fails at any point: a correct answer or a typed error, never a
/// hang, a crash or a half-done transaction.
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

  /// A conversation with everything in it: statements, a transaction with two rows, COPY in both directions.
  func converse(_ configuration: ConnectionConfiguration, _ round: Int) async throws {
    let connection = try await Connection.connect(configuration)
    do {
      let one = try await connection.query("SELECT \(round)").first?.decode(Int.self)
      #expect(one == round)
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
    } catch {
      await connection.close()
      throw error
    }
    await connection.close()
  }

  @Test func cutAnywhereIsATypedErrorAndNothingHalf() async throws {
    try await withProxy { proxy, configuration, direct in
      let watcher = try await Connection.connect(direct)
      try await watcher.query("CREATE TABLE t (a int8)")
      try await converse(configuration, 0)
      let total = proxy.serverBytes.load(ordering: .relaxed)
      var failures = 0
      for round in 1...60 {
        proxy.plan.withLock { plan in
          plan.cutAfterServerBytes = round % 2 == 0 ? .max : total * round / 60
          plan.cutAfterClientBytes = round % 2 == 0 ? 700 * round / 60 : .max
        }
        do {
          try await converse(configuration, round)
        } catch let error as PostgreSQLError {
          #expect(error.isConnectionProblem, "round \(round): \(error)")
          failures += 1
        }
      }
      #expect(failures > 40)
      // A session that lost its client in the middle may need a moment to notice.
      for _ in 0..<200 {
        let others = try await watcher.query(
          "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if try others.first?.decode(Int.self) == 0 { break }
        try await Task.sleep(for: .milliseconds(20))
      }
      let halves = try await watcher.query("SELECT a FROM t GROUP BY a HAVING count(*) <> 2")
      #expect(halves.isEmpty)
      await watcher.close()
    }
  }

  @Test func smallPiecesChangeNothing() async throws {
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

  /// A server that says nothing any more, not even to the cancel request: the statement timeout still ends the
  /// wait, and the connection is not used again.
  @Test func silentServerEndsInATimeout() async throws {
    try await withProxy { proxy, configuration, _ in
      var configuration = configuration
      configuration.statementTimeout = .milliseconds(100)
      configuration.cancelTimeout = .milliseconds(100)
      configuration.connectTimeout = .milliseconds(300)
      let pool = ConnectionPool(.init(connection: configuration, maximum: 1, acquireTimeout: .seconds(20)))
      try await pool.query("SELECT 1")
      proxy.plan.withLock { $0.isStalled = true }
      let error = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 2") }
      #expect(error?.kind == .statementTimeout)
      let away = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 3") }
      #expect(away?.kind == .connectionFailed)
      proxy.plan.withLock { $0.isStalled = false }
      #expect(try await eventually { try await pool.query("SELECT 4").count } == 1)
      await pool.close()
    }
  }

  @Test func terminatedBackendInATransaction() async throws {
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

  @Test func killedAndRestartedServerIsFoundAgain() async throws {
    let cluster = try await TestCluster()
    let pool = ConnectionPool(
      .init(connection: cluster.configuration, maximum: 3, acquireTimeout: .seconds(2)))
    try await pool.query("CREATE TABLE t (a int)")
    let sleeping = Task { try await pool.query("SELECT pg_sleep(60)") }
    try await Task.sleep(for: .milliseconds(100))
    try await cluster.kill()
    let lost = await #expect(throws: PostgreSQLError.self) { try await sleeping.value }
    #expect(lost?.isConnectionProblem == true)
    let away = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 1") }
    #expect(away?.isConnectionProblem == true)
    try await cluster.start()
    #expect(try await eventually { try await pool.query("SELECT 1").count } == 1)
    let statistics = pool.statistics()
    #expect(statistics.inUse == 0 && statistics.waiting == 0)
    await pool.close()
    await cluster.remove()
  }

  /// Tries for a second's worth of pauses, as long as the error says that the database is away.
  func eventually<T>(_ body: () async throws -> T) async throws -> T {
    for _ in 0..<20 {
      do {
        return try await body()
      } catch let error as PostgreSQLError where error.isConnectionProblem || error.kind == .statementTimeout
      {
        try await Task.sleep(for: .milliseconds(50))
      }
    }
    return try await body()
  }
}
