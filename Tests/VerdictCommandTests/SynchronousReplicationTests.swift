import HTTPTestSupport
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// Tests of a primary with a synchronous standby: acknowledged writes are on both.
@Suite(.serialized) struct SynchronousReplicationTests {
  /// The responses that the clients got.
  private final class Record: Sendable {
    let acknowledged = Mutex<[String]>([])
    let refused = Mutex(0)
    let isOver = Mutex(false)
  }

  private let path = "/v1/datasets/d/predictions"
  private let row: JSON = ["features": SmallData.rows(1)[0].features]

  /// Runs the closure with a primary, its standby, and a server that connects to whichever accepts writes.
  private func withPair(
    _ body: @Sendable (TestCluster, TestCluster, TestInstallation, HTTPClient) async throws -> Void
  ) async throws {
    try await TestCluster.with(settings: ["synchronous_commit": "on"]) { primary in
      let standby = try await primary.standby()
      try await withCleanup {
        await standby.remove()
      } _: {
        try await serve(primary, standby, body)
      }
    }
  }

  private func serve(
    _ primary: TestCluster, _ standby: TestCluster,
    _ body: @Sendable (TestCluster, TestCluster, TestInstallation, HTTPClient) async throws -> Void
  ) async throws {
    try await TestInstallation.with(database: primary.url()) { installation in
      let migrated = try await installation.run("migrate")
      #expect(migrated.status == .exited(0), "\(migrated)")
    }
    let both =
      "host=\(primary.directory),\(standby.directory) port=5432,5432 user=postgres dbname=postgres"
      + " target_session_attrs=read-write"
    try await TestInstallation.with(database: both) { installation in
      let server = try await installation.serve()
      let client = try server.client(key: try await installation.tenant())
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await client.train()
      try await demandConfirmation(primary)
      try await body(primary, standby, installation, client)
    }
  }

  /// Requires that each COMMIT waits for the standby.
  private func demandConfirmation(_ primary: TestCluster) async throws {
    _ = try await TestCluster.psql(
      primary.configuration,
      script: """
        ALTER SYSTEM SET synchronous_standby_names = 'standby';
        SELECT pg_reload_conf();
        """)
    _ = try await eventually {
      try await primary.tool("psql", ["-Atc", "SELECT sync_state FROM pg_stat_replication"]) == "sync"
        ? true : nil
    }
  }

  private func waiting(_ primary: TestCluster) async throws -> Int {
    Int(
      try await primary.tool(
        "psql", ["-Atc", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"])) ?? -1
  }

  /// The standby stops under load, then the primary stops, and the standby is promoted.
  @Test(.timeLimit(.minutes(10)))
  func `acknowledged writes survive a failover`() async throws {
    try await withPair { primary, standby, _, client in
      let record = Record()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<6 {
          group.addTask {
            var number = 0
            while !record.isOver.withLock({ $0 }) {
              number += 1
              let answer: Answer
              if worker < 4 {
                answer = try await client.post(path, row)
              } else {
                answer = try await Batches.post(worker * 10_000 + number, rows: 1, client)
              }
              switch answer.status {
              case 201:
                let name = answer.json["id"].string ?? "batch \(worker * 10_000 + number)"
                record.acknowledged.withLock { $0.append(name) }
              case 503:
                #expect(
                  answer.problem == "database-unavailable" || answer.problem == "overloaded", "\(answer)")
                record.refused.withLock { $0 += 1 }
                try await Task.sleep(for: .milliseconds(100))
              default: Issue.record("\(answer)")
              }
            }
          }
        }
        try await eventually {
          let names = record.acknowledged.withLock { $0 }
          return names.contains { $0.hasPrefix("batch") } && names.contains { !$0.hasPrefix("batch") }
        }
        try await standby.stop()
        // The first commits time out, and further ones are refused.
        try await eventually { record.refused.withLock { $0 } > 60 }
        // The timed-out commits keep waiting at the primary, and no further sessions wait behind them.
        let waiting = try await waiting(primary)
        #expect(waiting > 0 && waiting <= 17, "\(waiting) sessions wait")
        record.isOver.withLock { $0 = true }
        try await group.waitForAll()
      }
      try await primary.kill()
      try await standby.start()
      try await standby.promote()
      _ = try await eventually { try? await client.post(path, row).status == 201 ? true : nil }
      let all = record.acknowledged.withLock { $0 }
      #expect(all.contains { $0.hasPrefix("batch") } && all.contains { !$0.hasPrefix("batch") })
      let batches = try await Batches.counts(client)
      for name in all {
        if name.hasPrefix("batch ") {
          #expect(batches[Int(name.dropFirst(6)) ?? 0] == 1, "\(name) is lost")
        } else {
          #expect(try await client.get("\(path)/\(name)").status == 200, "prediction \(name) is lost")
        }
      }
    }
  }

  /// Without its standby, a primary's writes of every kind are refused quickly and reads still work. Everything
  /// recovers by itself.
  @Test(.timeLimit(.minutes(10)))
  func `writes are refused until the standby is back`() async throws {
    try await withPair { primary, standby, _, client in
      // Killed rather than stopped, so that this write is the first one to wait in vain, and not one of the server's own.
      try await standby.kill()
      let start = ContinuousClock.now
      let first = try await client.post(path, row)
      let timeout = ContinuousClock.now - start
      #expect(
        first.status == 503 && first.json["detail"].string?.contains("it is unknown whether") == true,
        "\(first)")
      for round in 0..<10 {
        let start = ContinuousClock.now
        let answers = [
          try await client.post(path, row),
          try await client.post(path, row, headers: ["Idempotency-Key": "k\(round)"]),
          try await client.post("/v1/datasets/d/labels", SmallData.batch(SmallData.rows(1))),
          try await client.post("/v1/datasets/d/training-jobs", [:]),
          try await client.patch("/v1/datasets/d", ["models_kept": 7]),
          try await client.delete("/v1/datasets/d/labels/1"),
          try await client.delete("/v1/datasets/d"),
        ]
        for answer in answers {
          #expect(answer.status == 503 && answer.problem == "database-unavailable", "\(answer)")
          #expect(answer.json["detail"].string?.contains("nothing was changed") == true, "\(answer)")
          #expect(answer.headers["retry-after"] != nil)
        }
        // None of them waits as the first one did.
        #expect(ContinuousClock.now - start < timeout)
        #expect(try await client.get("/v1/datasets/d").status == 200)
        #expect(try await client.get("/readyz").status == 200)
        #expect(try await client.post(path + "?store=false", row).status == 200)
      }
      // Heartbeats, the queue and the rounds above have added no waiting sessions.
      #expect(try await waiting(primary) <= 17)
      #expect(try await client.get("/metrics").text.contains("verdict_writes_suspended 1"))
      try await standby.start()
      let healed = try await eventually { () -> Answer? in
        let answer = try await client.post(path, row)
        return answer.status == 503 ? nil : answer
      }
      #expect(healed.status == 201, "\(healed)")
      #expect(try await client.train()["state"].string == "succeeded")
    }
  }
}
