import JobQueue
import PostgreSQL
import TestSupport
import Testing

/// The queue's own migrations; that they suffice is shown by every other test of this target.
@Suite struct SchemaTests {
  @Test func `the queue installs itself into an empty database, once`() async throws {
    try await TestDatabase.withConnection { connection in
      let migrator = schema.migrator(logger: .quiet)
      #expect(try await migrator.migrate(connection) == schema.migrations.map(\.name))
      #expect(try await migrator.migrate(connection) == [])
      let status = try await migrator.status(connection)
      #expect(status.isUsable && status.applied.map(\.name) == schema.migrations.map(\.name))
      let tables = try await connection.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
      ).map { try $0.decode(String.self) }
      #expect(tables == ["job_limits", "job_queue_migrations", "jobs"])
      // A server checks the history as the application's role.
      try await connection.query("SET ROLE queue_app")
      #expect(try await migrator.status(connection).isUsable)
    }
  }

  @Test func `names are quoted`() async throws {
    try await TestDatabase.withConnection { connection in
      let odd = JobQueueSchema(role: "o'\"dd", tenantSetting: "app.te'nant", historyTable: "odd \"history")
      _ = try? await odd.migrator(logger: .quiet).migrate(connection)
      let role = try await connection.query("SELECT rolname FROM pg_roles WHERE rolname LIKE 'o%dd'").first
      #expect(try role?.decode(String.self) == "o'\"dd")
    }
  }
}
