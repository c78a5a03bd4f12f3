import PostgreSQL
import TestSupport
import Testing

/// Tests of the client behind PgBouncer in transaction mode, where each transaction may run in another session.
@Suite(.enabled(if: PgBouncer.isInstalled))
struct PgBouncerTests {
  @Test func `transaction mode without prepared statements`() async throws {
    try await TestCluster.with { cluster in
      try await PgBouncer.start(before: cluster, poolSize: 2)
      let configuration = PgBouncer.configuration(cluster.configuration)
      try await withPool(.init(connection: configuration, maximum: 6, acquireTimeout: .seconds(60))) { pool in
        try await converse(pool, cluster)
      }
    }
  }

  private func converse(_ pool: ConnectionPool, _ cluster: TestCluster) async throws {
    try await pool.query("CREATE TABLE t (a int8)")

    let listener = Listener(cluster.configuration, channels: ["news"])
    for await event in listener.events() {
      if case .connected = event { try await pool.query("SELECT pg_notify('news', \("through"))") }
      if case .notification(_, let payload, _) = event {
        #expect(payload == "through")
        break
      }
    }

    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          try await pool.transaction(setup: ["SET LOCAL verdict.tenant = '1'"]) { transaction in
            try await transaction.query("INSERT INTO t VALUES (\(number))")
            try await transaction.copyIn("COPY t FROM STDIN") { try await $0.write("\(number)\n") }
          }
          try await pool.pipeline(["SELECT \(number)", "SELECT \("x")"])
        }
      }
      try await group.waitForAll()
    }
    #expect(try await pool.query("SELECT count(*) FROM t").first?.decode(Int.self) == 80)

    // A cancel request passes through the pooler, too, and cancels no other statement.
    let sleeping = Task { try await pool.query("SELECT pg_sleep(600)") }
    try await cluster.configuration.waitForSleep()
    sleeping.cancel()
    #expect(await #expect(throws: PostgreSQLError.self) { try await sleeping.value }?.kind == .cancelled)
    for _ in 0..<20 { try await pool.query("SELECT pg_sleep(0.002)") }
  }
}
