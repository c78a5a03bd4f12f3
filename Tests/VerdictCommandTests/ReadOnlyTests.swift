import HTTPTestSupport
import TestSupport
import Testing

/// Tests of a database that accepts no writes: a standby, or a server with read-only transactions by default.
@Suite(.serialized) struct ReadOnlyTests {
  private let path = "/v1/datasets/d/predictions"
  private let row: JSON = ["features": SmallData.rows(1)[0].features]

  /// Expects that writes are refused with 503 and the reason.
  private func expectRefusals(_ client: HTTPClient) async throws {
    let row = SmallData.rows(1)[0]
    let refused = [
      try await client.post(path, self.row),
      try await client.post(path + "/batch", ["predictions": [["features": row.features]]]),
      try await client.post(path + "?store=false", self.row, headers: ["Idempotency-Key": "k"]),
      try await client.post("/v1/datasets/d/labels", SmallData.batch([row])),
      try await client.send(
        "POST", "/v1/datasets/d/labels", text: SmallData.csv([row]), as: "text/csv"),
      try await client.send(
        "POST", "/v1/datasets/d/labels?key_column=c", text: SmallData.csv([row]), as: "text/csv"),
      try await client.post("/v1/datasets/d/training-jobs", [:]),
      try await client.patch("/v1/datasets/d", ["models_kept": 7]),
      try await client.put("/v1/datasets/d/models/active", ["version": 1]),
      try await client.delete("/v1/datasets/d/labels/1"),
      try await client.delete("/v1/datasets/d"),
      try await client.post("/v1/datasets", ["name": "e", "features": SmallData.features]),
      try await client.post("/v1/keys", ["name": "k", "role": "read"]),
    ]
    for (number, answer) in refused.enumerated() {
      #expect(answer.status == 503 && answer.problem == "database-read-only", "\(number): \(answer)")
      #expect(answer.isProblem)
      #expect(answer.headers["retry-after"] != nil)
    }
  }

  private func expectReading(_ client: HTTPClient) async throws {
    for path in [
      "/v1/datasets", "/v1/datasets/d", "/v1/datasets/d/labels", "/v1/datasets/d/labels/1",
      "/v1/datasets/d/models", "/v1/datasets/d/models/1", "/v1/datasets/d/kpis", "/v1/datasets/d/predictions",
      "/v1/datasets/d/training-jobs", "/v1/datasets/d/training-jobs/1",
      "/v1/datasets/d/training-jobs/1/events",
      "/v1/keys", "/v1/usage", "/v1/audit", "/readyz", "/metrics",
    ] {
      let answer = try await client.get(path)
      #expect(answer.status == 200, "\(path): \(answer)")
    }
    let csv = try await client.get("/v1/datasets/d/labels.csv")
    #expect(csv.status == 200 && csv.text.split(whereSeparator: \.isNewline).count == 61)
    #expect(try await client.post(path + "?store=false", row).status == 200)
    let batch = try await client.post(
      path + "/batch?store=false", ["predictions": [["features": SmallData.rows(1)[0].features]]])
    #expect(batch.status == 200, "\(batch)")
    let stream = try await client.send(
      "POST", path + "/batch.ndjson?store=false", text: row.text + "\n", as: "application/x-ndjson")
    #expect(stream.status == 200, "\(stream)")
    // The status is cached for one second.
    _ = try await eventually { try await client.get("/readyz").json["read_only"] == true ? true : nil }
  }

  private func with(
    _ body: @Sendable (TestCluster, TestInstallation, HTTPClient) async throws -> Void
  ) async throws {
    try await TestCluster.with { primary in
      try await TestInstallation.with(database: primary.url()) { installation in
        #expect(try await installation.run("migrate").status == .exited(0))
        let server = try await installation.serve()
        let client = try server.client(key: try await installation.tenant())
        try await client.makeDataset()
        try await client.addLabels(SmallData.rows(60))
        try await client.train()
        #expect(try await client.get("/readyz").json["read_only"] == false)
        try await body(primary, installation, client)
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a database without writes is reported and still serves reads`() async throws {
    try await with { primary, _, client in
      func set(_ value: String) async throws {
        _ = try await TestCluster.psql(
          primary.configuration,
          script: """
            ALTER SYSTEM SET default_transaction_read_only = \(value);
            SELECT pg_reload_conf();
            """)
      }
      try await set("on")
      _ = try await eventually {
        try await client.post(path, row).problem == "database-read-only" ? true : nil
      }
      try await expectRefusals(client)
      try await expectReading(client)
      // Longer than the lifetime of a cached key and the interval at which its last use is recorded.
      try await Task.sleep(for: .seconds(2))
      try await expectReading(client)
      // The default applies to new sessions.
      _ = try await TestCluster.psql(
        primary.configuration,
        script: """
          SET default_transaction_read_only = off;
          ALTER SYSTEM SET default_transaction_read_only = off;
          SELECT pg_reload_conf();
          """)
      _ = try await eventually { try await client.post(path, row).status == 201 ? true : nil }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a server on a standby serves reads while the primary is down`() async throws {
    try await with { primary, installation, client in
      let standby = try await primary.standby()
      try await withCleanup {
        await standby.remove()
      } _: {
        let server = try await installation.serve(settings: [
          "DATABASE_URL": standby.url(), "VERDICT_READ_ONLY": "true",
        ])
        let reader = try server.client(key: client.key)
        try await expectReading(reader)
        try await expectRefusals(reader)
        // A change at the primary is visible here within the documented second plus the standby's lag.
        let gate: JSON = ["gate": ["metric": "accuracy", "minimum": 1]]
        #expect(try await client.patch("/v1/datasets/d", gate).status == 200)
        _ = try await eventually {
          try await reader.post(path + "?store=false", row).status == 409 ? true : nil
        }
        #expect(try await client.patch("/v1/datasets/d", ["gate": .null]).status == 200)
        _ = try await eventually {
          try await reader.post(path + "?store=false", row).status == 200 ? true : nil
        }
        try await client.train()
        _ = try await eventually {
          try await reader.post(path + "?store=false", row).json["model_version"].int == 2 ? true : nil
        }
        let made = try await client.post("/v1/keys", ["name": "k", "role": "read"])
        let other = reader.with(key: made.json["secret"].string)
        _ = try await eventually { try await other.get("/v1/datasets").status == 200 ? true : nil }
        #expect(try await client.delete("/v1/keys/\(made.json["id"].int ?? 0)").status == 204)
        _ = try await eventually { try await other.get("/v1/datasets").status == 401 ? true : nil }

        try await primary.kill()
        for _ in 0..<6 {
          try await Task.sleep(for: .milliseconds(500))
          try await expectReading(reader)
        }
        try await expectRefusals(reader)
        #expect(try await server.terminate() == .exited(0), "\(server.log.suffix(2_000))")
        #expect(!server.log.contains(" error "), "\(server.log.suffix(4_000))")
      }
    }
  }

  /// The same on a primary, where PostgreSQL itself would accept writes.
  @Test(.timeLimit(.minutes(10)))
  func `a read-only server writes nothing`() async throws {
    try await with { primary, installation, client in
      let server = try await installation.serve(settings: ["VERDICT_READ_ONLY": "true"])
      let reader = try server.client(key: client.key)
      try await expectRefusals(reader)
      try await expectReading(reader)
      #expect(try await client.labelsStored() == 60)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a private database cannot be read-only`() async throws {
    try await TestInstallation.with { installation in
      let refused = try await installation.run("serve", "--read-only")
      #expect(refused.status == .exited(64), "\(refused)")
      #expect(refused.errors.contains("DATABASE_URL"))
    }
  }
}
