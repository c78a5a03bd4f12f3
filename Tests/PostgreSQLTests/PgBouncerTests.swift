import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests of the client behind PgBouncer in transaction mode, where each transaction may run in another session.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/pgbouncer")))
struct PgBouncerTests {
  @Test func `transaction mode without prepared statements`() async throws {
    let cluster = try await TestCluster()
    let port = try await startPgBouncer(cluster)
    var configuration = cluster.configuration
    configuration.parameters["port"] = port
    configuration.statementCacheCapacity = 0
    let pool = ConnectionPool(.init(connection: configuration, maximum: 6))
    try await ready(pool)
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
    let sleeping = Task { try await pool.query("SELECT pg_sleep(60)") }
    try await Task.sleep(for: .milliseconds(100))
    sleeping.cancel()
    #expect(await #expect(throws: PostgreSQLError.self) { try await sleeping.value }?.kind == .cancelled)
    for _ in 0..<20 { try await pool.query("SELECT pg_sleep(0.002)") }
    await pool.close()
    await cluster.remove()
  }

  private func startPgBouncer(_ cluster: TestCluster) async throws -> String {
    let directory = cluster.directory
    let settings = """
      [databases]
      * = host=\(directory) port=5432 user=postgres
      [pgbouncer]
      listen_addr =
      listen_port = 6432
      unix_socket_dir = \(directory)
      auth_type = any
      pool_mode = transaction
      default_pool_size = 2
      logfile = \(directory)/pgbouncer.log
      pidfile = \(directory)/pgbouncer.pid
      """
    try settings.write(toFile: "\(directory)/pgbouncer.ini", atomically: true, encoding: .utf8)
    try await cluster.daemon("/usr/sbin/pgbouncer", ["\(directory)/pgbouncer.ini"])
    return "6432"
  }

  private func ready(_ pool: ConnectionPool) async throws {
    for _ in 0..<50 {
      if (try? await pool.query("SELECT 1")) != nil { return }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
