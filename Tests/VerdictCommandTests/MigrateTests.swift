import HTTPTestSupport
import TestSupport
import Testing

/// Tests of `verdict migrate`, and of servers on schemas of other versions.
@Suite(.serialized) struct MigrateTests {
  @Test(.timeLimit(.minutes(10)))
  func `--status and --dry-run change nothing`() async throws {
    try await with { cluster, installation in
      let before = try await installation.run("migrate", "--status")
      #expect(before.status == .exited(0), "\(before)")
      #expect(before.output.hasPrefix("0001_tenants  pending\n"))
      #expect(before.output.hasSuffix("this version does not work with the database\n"))
      let dry = try await installation.run("migrate", "--dry-run")
      #expect(dry.status == .exited(0), "\(dry)")
      #expect(dry.output.hasPrefix("-- 0001_tenants\n") && dry.output.contains("CREATE TABLE tenants ("))
      #expect(
        try await cluster.tool("psql", ["-Atc", "SELECT count(*) FROM pg_class WHERE relname = 'tenants'"])
          == "0")
      #expect(try await installation.run("migrate").status == .exited(0))
      let after = try await installation.run("migrate", "--status", "--json")
      let report = try JSON(parsing: after.output.utf8)
      #expect(report["usable"] == true)
      #expect(
        report["migrations"].elements.allSatisfy { $0["applied_at"].string != nil && $0["known"] == true })
      #expect(try await installation.run("migrate", "--dry-run").output == "-- nothing to apply\n")
      #expect(try await installation.run("migrate", "--status", "--dry-run").status == .exited(64))
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a server runs until a newer schema is incompatible`() async throws {
    try await with { cluster, installation in
      #expect(try await installation.run("migrate").status == .exited(0))
      let server = try await installation.serve()
      let client = try server.client(key: try await installation.tenant())
      let ready = try await client.get("/readyz")
      let newest = try #require(ready.json["schema"].string)
      #expect(ready.json["database_schema"].string == newest)
      _ = try await cluster.tool(
        "psql",
        ["-c", "INSERT INTO schema_migrations VALUES ('8000_next', 'x', now(), '\(newest)')"])
      _ = try await eventually {
        try await client.get("/readyz").json["database_schema"].string == "8000_next" ? true : nil
      }
      #expect(try await client.get("/readyz").status == 200)
      try await client.makeDataset()
      // An older version has nothing to apply.
      let older = try await installation.run("migrate")
      #expect(older.status == .exited(0), "\(older)")
      #expect(older.output.hasPrefix("nothing to apply; the database has 8000_next of a newer version"))
      #expect(try await installation.run("migrate", "--status").output.contains("8000_next  applied"))

      _ = try await cluster.tool(
        "psql", ["-c", "INSERT INTO schema_migrations VALUES ('9000_after', 'x', now(), '8000_next')"])
      let refused = try await eventually { () -> Answer? in
        let answer = try await client.get("/readyz")
        return answer.status == 200 ? nil : answer
      }
      #expect(refused.status == 503 && refused.problem == "database-unavailable", "\(refused)")
      #expect(refused.json["detail"].string?.contains("9000_after") == true)
      let failed = try await installation.run("migrate")
      #expect(failed.status != .exited(0) && failed.errors.contains("9000_after"), "\(failed)")
    }
  }

  private func with(_ body: @Sendable (TestCluster, TestInstallation) async throws -> Void) async throws {
    try await TestCluster.with { cluster in
      try await TestInstallation.with(database: cluster.url()) { try await body(cluster, $0) }
    }
  }
}
