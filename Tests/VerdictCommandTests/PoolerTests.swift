import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Tests behind PgBouncer in transaction mode, with a direct connection for notifications.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/sbin/pgbouncer")))
struct PoolerTests {
  @Test(.timeLimit(.minutes(5)))
  func `everything works through transaction mode`() async throws {
    let cluster = try await TestCluster()
    do {
      try await TestInstallation.with(database: cluster.url()) { owner in
        let migrated = try await owner.run("migrate", settings: ["VERDICT_APP_PASSWORD": "secret"])
        #expect(migrated.status == .exited(0), "\(migrated)")
      }
      let straight = cluster.url(user: "verdict_app", password: "secret")
      let pooled = straight.replacing("port=5432", with: "port=6432")
      #expect(pooled != straight, "\(straight)")
      try await startPooler(cluster)
      let settings = ["DATABASE_LISTEN_URL": straight, "VERDICT_PREPARED_STATEMENTS": "0"]
      try await TestInstallation.with(database: pooled, settings: settings) { try await walk($0) }
      // SET ROLE would leak into the pooler's session and to its next client.
      let asOwner = cluster.url().replacing("port=5432", with: "port=6432")
      try await TestInstallation.with(database: asOwner, settings: settings) { installation in
        let refused = try await installation.run("tenant", "list")
        #expect(refused.status != .exited(0))
        #expect(refused.errors.contains("verdict_app"), "\(refused)")
      }
    } catch {
      await cluster.remove()
      throw error
    }
    await cluster.remove()
  }

  /// Two servers with more concurrent requests than the pooler has sessions: rows with keys, trainings, predictions,
  /// gates.
  private func walk(_ installation: TestInstallation) async throws {
    let one = try await installation.serve()
    let other = try await installation.serve(settings: ["VERDICT_WORKERS": "0"])
    let client = try one.client(key: try await installation.tenant())
    let second = try other.client(key: client.key)
    try await client.makeDataset()
    try await client.addLabels(SmallData.rows(60))
    try await client.train()
    let row = SmallData.rows(1)[0]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<24 {
        group.addTask {
          let asked = number % 2 == 0 ? client : second
          let keyed: JSON = [
            "labels": [["features": row.features, "label": 1, "key": .string("k\(number % 5)")]]
          ]
          let posted = try await asked.post("/v1/datasets/d/labels", keyed)
          #expect(posted.status == 201, "\(posted)")
          let answered = try await asked.post("/v1/datasets/d/predictions", ["features": row.features])
          #expect(answered.status == 201, "\(answered)")
        }
      }
      try await group.waitForAll()
    }
    #expect(try await client.labelsStored() == 65)
    // The change is announced on the direct connection, so the other server applies it at once.
    let gate: JSON = ["gate": ["metric": "accuracy", "minimum": 1]]
    #expect(try await client.patch("/v1/datasets/d", gate).status == 200)
    _ = try await eventually {
      try await second.post("/v1/datasets/d/predictions", ["features": row.features]).status == 409
        ? true : nil
    }
    for log in [one.log, other.log] { #expect(!log.contains("no notification arrives"), "\(log)") }
  }

  private func startPooler(_ cluster: TestCluster) async throws {
    let directory = cluster.directory
    let users = "\(directory)/users.txt"
    try "\"verdict_app\" \"secret\"\n\"postgres\" \"\"\n".write(
      toFile: users, atomically: true, encoding: .utf8)
    let settings = """
      [databases]
      * = host=\(directory) port=5432
      [pgbouncer]
      listen_addr =
      listen_port = 6432
      unix_socket_dir = \(directory)
      auth_type = trust
      auth_file = \(users)
      pool_mode = transaction
      default_pool_size = 3
      logfile = \(directory)/pgbouncer.log
      pidfile = \(directory)/pgbouncer.pid
      """
    try settings.write(toFile: "\(directory)/pgbouncer.ini", atomically: true, encoding: .utf8)
    try await cluster.daemon("/usr/sbin/pgbouncer", ["\(directory)/pgbouncer.ini"])
    var configuration = cluster.configuration
    configuration.parameters["port"] = "6432"
    configuration.statementCacheCapacity = 0
    for _ in 0..<200 {
      if let connection = try? await Connection.connect(configuration) { return await connection.close() }
      try await Task.sleep(for: .milliseconds(50))
    }
  }
}
