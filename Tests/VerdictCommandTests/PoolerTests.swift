import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// Tests behind PgBouncer in transaction mode, with a direct connection for notifications.
@Suite(.enabled(if: PgBouncer.isInstalled))
struct PoolerTests {
  @Test(.timeLimit(.minutes(10)))
  func `everything works through transaction mode`() async throws {
    try await TestCluster.with { cluster in
      try await TestInstallation.with(database: cluster.url()) { owner in
        let migrated = try await owner.run("migrate", settings: ["VERDICT_APP_PASSWORD": "secret"])
        #expect(migrated.status == .exited(0), "\(migrated)")
      }
      let straight = cluster.url(user: "verdict_app", password: "secret")
      let pooled = cluster.url(user: "verdict_app", password: "secret", port: PgBouncer.port)
      try await PgBouncer.start(
        before: cluster, poolSize: 3, passwords: ["verdict_app": "secret", "postgres": ""])
      let settings = ["DATABASE_LISTEN_URL": straight, "VERDICT_PREPARED_STATEMENTS": "0"]
      try await TestInstallation.with(database: pooled, settings: settings) { try await walk($0) }
      // SET ROLE would leak into the pooler's session and to its next client.
      let asOwner = cluster.url(port: PgBouncer.port)
      try await TestInstallation.with(database: asOwner, settings: settings) { installation in
        let refused = try await installation.run("tenant", "list")
        #expect(refused.status != .exited(0))
        #expect(refused.errors.contains("verdict_app"), "\(refused)")
      }
    }
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
}
