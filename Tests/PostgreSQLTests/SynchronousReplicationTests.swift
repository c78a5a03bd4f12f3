import Logging
import TestSupport
import Testing

@testable import PostgreSQL

/// Tests of a server whose synchronous standby is absent: every COMMIT waits, and an unconfirmed one must not count
/// as success.
@Suite struct SynchronousReplicationTests {
  /// Runs the closure with a server that confirms no commit until ``confirm(_:)``, and with a table `t` in it.
  private func withUnconfirmingServer(
    _ body: (TestCluster, ConnectionConfiguration) async throws -> Void
  ) async throws {
    try await TestCluster.with(settings: ["synchronous_commit": "on"]) { cluster in
      let admin = try await Connection.connect(cluster.configuration)
      try await admin.query("CREATE TABLE t (a int)")
      try await admin.query("ALTER SYSTEM SET synchronous_standby_names = 'absent'")
      try await admin.query("SELECT pg_reload_conf()")
      await admin.close()
      var configuration = cluster.configuration
      configuration.cancelTimeout = .seconds(600)
      // The setting takes effect when the server's processes have read it.
      try await eventually { try await Self.standbys(cluster) == "absent" }
      try await body(cluster, configuration)
    }
  }

  private static func standbys(_ cluster: TestCluster) async throws -> String? {
    try await withConnection(cluster.configuration) {
      try await $0.query("SHOW synchronous_standby_names").first?.decode(String.self)
    }
  }

  /// Confirms the waiting commits.
  private func confirm(_ cluster: TestCluster) async throws {
    try await withConnection(cluster.configuration) { admin in
      try await admin.query("ALTER SYSTEM SET synchronous_standby_names = ''")
      try await admin.query("SELECT pg_reload_conf()")
    }
  }

  /// The number of sessions that wait for the standby.
  private func waiting(_ cluster: TestCluster) async throws -> Int {
    try await withConnection(cluster.configuration) {
      try await $0.query("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").first?
        .decode(Int.self) ?? -1
    }
  }

  private func rows(_ cluster: TestCluster) async throws -> [Int] {
    try await withConnection(cluster.configuration) {
      try await $0.query("SELECT a FROM t ORDER BY a").map { try $0.decode(Int.self) }
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["transaction", "pipeline", "default"])
  func `an unconfirmed commit times out and its outcome is unknown`(what: String) async throws {
    try await withUnconfirmingServer { cluster, configuration in
      var configuration = configuration
      configuration.commitTimeout = .seconds(what == "default" ? 1 : 600)
      let pool = ConnectionPool(.init(connection: configuration, maximum: 2))
      // The limits count the connecting, too.
      try await pool.query("SELECT 1")
      let error = await #expect(throws: PostgreSQLError.self) {
        switch what {
        case "pipeline":
          try await pool.pipeline(["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"], within: .seconds(5))
        case "transaction":
          try await pool.transaction(within: .seconds(5)) { try await $0.query("INSERT INTO t VALUES (1)") }
        default: try await pool.transaction { try await $0.query("INSERT INTO t VALUES (1)") }
        }
      }
      #expect(error?.isOutcomeUnknown == true, "\(error.map { "\($0)" } ?? "")")
      #expect(error?.isConnectionProblem == true)
      // A cancelled wait would have made the row visible, and it would be lost with the primary.
      #expect(try await rows(cluster) == [])
      #expect(try await waiting(cluster) == 1)
      try await confirm(cluster)
      try await eventually { try await rows(cluster) == [1] }
      await pool.close()
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["transaction", "pipeline", "statement", "script", "copy"])
  func `a wait that the server abandoned is no success`(what: String) async throws {
    try await withUnconfirmingServer { cluster, configuration in
      try await withConnection(configuration) { connection in
        let pid = connection.processID
        let committing = Task {
          switch what {
          case "transaction":
            try await connection.transaction { try await $0.query("INSERT INTO t VALUES (1)") }
          case "pipeline":
            try await connection.pipeline(["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"])
          case "statement": try await connection.query("INSERT INTO t VALUES (1)")
          case "script": try await connection.execute(script: "INSERT INTO t VALUES (1)")
          default: try await connection.copyIn("COPY t FROM STDIN") { try await $0.write(Array("1\n".utf8)) }
          }
        }
        try await eventually { try await waiting(cluster) == 1 }
        // An operator or statement_timeout cancels the wait. PostgreSQL then commits locally and warns.
        try await withConnection(cluster.configuration) {
          try await $0.query("SELECT pg_cancel_backend(\(pid))")
        }
        let error = await #expect(throws: PostgreSQLError.self) { try await committing.value }
        #expect(error?.kind == .commitUnconfirmed, "\(error.map { "\($0)" } ?? "")")
        #expect(error?.isOutcomeUnknown == true)
        #expect(error?.isConnectionProblem == true)
        // The session stays usable, and the warning does not affect the next statement.
        #expect(try await connection.query("SELECT a FROM t").count == 1)
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a cancelled autocommit statement is no success`() async throws {
    try await withUnconfirmingServer { cluster, configuration in
      try await withConnection(configuration) { connection in
        let committing = Task { try await connection.query("INSERT INTO t VALUES (1)") }
        try await eventually { try await waiting(cluster) == 1 }
        committing.cancel()
        let error = await #expect(throws: PostgreSQLError.self) { try await committing.value }
        #expect(error?.isOutcomeUnknown == true, "\(error.map { "\($0)" } ?? "")")
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `writes are refused while commits are unconfirmed and resume by themselves`() async throws {
    try await withUnconfirmingServer { cluster, configuration in
      var configuration = configuration
      configuration.commitTimeout = .seconds(1)
      let breaker = CommitCircuitBreaker(connections: 4, logger: .init(label: "test"))
      configuration.commitBreaker = breaker
      let pool = ConnectionPool(.init(connection: configuration, maximum: 4))
      func write(_ value: Int) async throws {
        try await pool.transaction { try await $0.query("INSERT INTO t VALUES (\(value))") }
      }
      let first = await #expect(throws: PostgreSQLError.self) { try await write(1) }
      #expect(first?.isOutcomeUnknown == true)
      #expect(breaker.isOpen)
      // No further sessions wait: each write fails at once with an error that says that nothing was changed.
      for value in 2...50 {
        let error = await #expect(throws: PostgreSQLError.self) { try await write(value) }
        #expect(error?.kind == .writesSuspended)
        #expect(error?.isOutcomeUnknown == false)
        #expect(error?.isConnectionProblem == true)
      }
      let piped = await #expect(throws: PostgreSQLError.self) {
        try await pool.pipeline(["BEGIN", "INSERT INTO t VALUES (99)", "COMMIT"])
      }
      #expect(piped?.kind == .writesSuspended)
      // The breaker also applies to connections outside a pool, such as the one for heartbeats.
      try await withConnection(configuration) { connection in
        let error = await #expect(throws: PostgreSQLError.self) {
          try await connection.transaction { try await $0.query("INSERT INTO t VALUES (98)") }
        }
        #expect(error?.kind == .writesSuspended)
      }
      // Reads still work.
      #expect(try await pool.transaction(readOnly: true) { try await $0.query("SELECT 1").count } == 1)
      #expect(try await pool.pipeline(["BEGIN READ ONLY", "SELECT 1", "COMMIT"]).count == 3)
      try await Task.sleep(for: .seconds(3))
      #expect(try await waiting(cluster) == 1)
      try await confirm(cluster)
      try await eventually { !breaker.isOpen }
      try await write(100)
      #expect(try await rows(cluster) == [1, 100])
      await pool.close()
    }
  }

  /// Heartbeats have a shorter timeout than a slow standby may take. A single timed-out heartbeat does not open the
  /// breaker, several in a row do.
  @Test(.timeLimit(.minutes(10)))
  func `several early timeouts of commits suspend writes`() async throws {
    try await withUnconfirmingServer { cluster, configuration in
      var configuration = configuration
      let breaker = CommitCircuitBreaker(connections: 16, logger: .init(label: "test"))
      configuration.commitBreaker = breaker
      let pool = ConnectionPool(.init(connection: configuration, maximum: 4))
      for number in 1...3 {
        #expect(!breaker.isOpen, "open before the commit \(number)")
        await #expect(throws: PostgreSQLError.self) {
          try await pool.transaction(within: .seconds(4)) { try await $0.query("INSERT INTO t VALUES (1)") }
        }
      }
      #expect(breaker.isOpen)
      try await confirm(cluster)
      try await eventually { !breaker.isOpen }
      await pool.close()
    }
  }

  /// A statement that waits for a lock has not reached its COMMIT. The breaker finds no session waiting in a commit
  /// and closes at once.
  @Test(.timeLimit(.minutes(10)))
  func `waiting before the commit does not suspend writes`() async throws {
    try await TestDatabase.withConnection { holder in
      try await holder.query("CREATE TABLE t (a int)")
      var configuration = holder.configuration
      configuration.commitTimeout = .seconds(2)
      let breaker = CommitCircuitBreaker(connections: 2, logger: .init(label: "test"))
      configuration.commitBreaker = breaker
      let pool = ConnectionPool(.init(connection: configuration, maximum: 8))
      try await holder.transaction { tx in
        try await tx.query("LOCK TABLE t")
        for _ in 1...4 {
          let error = await #expect(throws: PostgreSQLError.self) {
            try await pool.pipeline(["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT"])
          }
          #expect(error?.kind == .statementTimeout && error?.isOutcomeUnknown == true)
          try await eventually { !breaker.isOpen }
        }
      }
      await pool.close()
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `connections that wait for the standby leave some for others`() async throws {
    try await withUnconfirmingServer { cluster, configuration in
      var configuration = configuration
      configuration.commitTimeout = .seconds(600)
      configuration.commitBreaker = CommitCircuitBreaker(connections: 4, logger: .init(label: "test"))
      let pool = ConnectionPool(.init(connection: configuration, maximum: 4))
      let writers = (1...2).map { value in
        Task { try await pool.transaction { try await $0.query("INSERT INTO t VALUES (\(value))") } }
      }
      try await eventually { try await waiting(cluster) == 2 }
      // Writes are suspended once the commits have waited for a second.
      try await Task.sleep(for: .milliseconds(1_200))
      let error = await #expect(throws: PostgreSQLError.self) {
        try await pool.transaction { try await $0.query("INSERT INTO t VALUES (3)") }
      }
      #expect(error?.kind == .writesSuspended)
      try await confirm(cluster)
      for writer in writers { _ = try await writer.value }
      #expect(try await rows(cluster) == [1, 2])
      try await pool.transaction { try await $0.query("INSERT INTO t VALUES (4)") }
      await pool.close()
    }
  }
}
