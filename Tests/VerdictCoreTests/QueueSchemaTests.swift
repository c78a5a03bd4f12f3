import DomainTestSupport
import JobQueue
import Logging
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// The job queue's own migration history, beside the product's that has made its tables.
@Suite struct QueueSchemaTests {
  private let logger: Logger = {
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    return logger
  }()

  @Test func aDatabaseOfTheReleaseBeforeIsTakenOver() async throws {
    try await TestDatabase.withConnection { connection in
      let previous = Migrator(Migrations.all.filter { $0.name <= "0013_bounds" }, logger: logger)
      _ = try await previous.migrate(connection)
      try await connection.query(
        "INSERT INTO jobs (tenant_id, kind, subject, origin) VALUES (1, 'training', 1, 'manual')")
      let migrator = SchemaMigrator(logger: logger)
      #expect(try await !migrator.status(connection).isUsable)
      let pending = try await migrator.pending(connection).map(\.name)
      #expect(pending.filter { $0.hasPrefix("job_queue/") } == ["job_queue/0002_history_grant"])
      #expect(try await migrator.migrate(connection) == pending)
      #expect(try await migrator.migrate(connection) == [])
      let status = try await migrator.status(connection)
      #expect(status.isUsable && status.pending == [] && status.incompatible == nil)
      #expect(status.queue.applied.map(\.name) == ["0001_job_queue", "0002_history_grant"])
      #expect(try await connection.query("SELECT count(*) FROM jobs").first?.decode(Int.self) == 1)
      // Servers of the release before go on, whatever the queue's history has.
      #expect(try await previous.status(connection).incompatible == nil)
    }
  }

  @Test func aNewDatabaseIsMadeInOneGo() async throws {
    try await TestDatabase.withConnection { connection in
      let migrator = SchemaMigrator(logger: logger)
      let pending = try await migrator.pending(connection).map(\.name)
      #expect(pending == Migrations.all.map(\.name) + ["job_queue/0002_history_grant"])
      #expect(try await migrator.migrate(connection) == pending)
      #expect(try await migrator.status(connection).isUsable)
    }
  }

  @Test func aNewerQueueThatIsNotCompatibleIsNamed() async throws {
    try await TestDomain.with { domain in
      try await domain.asOwner { [logger] connection in
        let migrator = SchemaMigrator(logger: logger)
        try await connection.query(
          "INSERT INTO job_queue_migrations VALUES ('8000_next', 'x', now(), '0002_history_grant')")
        #expect(try await migrator.status(connection).isUsable)
        #expect(try await migrator.migrate(connection) == [])
        try await connection.query(
          "INSERT INTO job_queue_migrations VALUES ('9000_after', 'x', now(), '8000_next')")
        let status = try await migrator.status(connection)
        #expect(!status.isUsable && status.incompatible == "job_queue/9000_after")
        await #expect(throws: MigrationError.self) { try await migrator.migrate(connection) }
      }
    }
  }

  /// The product's history makes the same schema as the queue's own history in an empty database.
  @Test func bothHistoriesMakeTheSameTables() async throws {
    let adopted = try await TestDomain.with { try await $0.asOwner(Self.shape) }
    let installed = try await TestDatabase.withConnection { [logger] connection in
      _ = try await SchemaMigrator.queueSchema.migrator(logger: logger).migrate(connection)
      return try await Self.shape(connection)
    }
    #expect(adopted.count > 60)
    #expect(Set(adopted).symmetricDifference(installed).sorted() == [])
  }

  /// Columns, constraints, indexes, policies and grants of the queue's tables, a line each.
  @Sendable private static func shape(_ connection: Connection) async throws -> [String] {
    try await connection.query(
      """
      WITH tables AS (
        SELECT oid, relname, reloptions, relrowsecurity, relforcerowsecurity, relacl FROM pg_class
        WHERE relname IN ('jobs', 'job_limits', 'jobs_id_seq', 'job_queue_migrations')
      )
      SELECT concat_ws(' ', 'table', relname, reloptions, relrowsecurity, relforcerowsecurity, relacl) FROM tables
      UNION ALL
      SELECT concat_ws(' ', 'column', relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity,
                       pg_get_expr(adbin, adrelid))
      FROM tables JOIN pg_attribute ON attrelid = oid AND attnum > 0
      LEFT JOIN pg_attrdef d ON adrelid = tables.oid AND adnum = attnum
      UNION ALL
      SELECT concat_ws(' ', 'constraint', relname, pg_get_constraintdef(c.oid))
      FROM tables JOIN pg_constraint c ON conrelid = tables.oid
      UNION ALL
      SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE tablename IN (SELECT relname FROM tables)
      UNION ALL
      SELECT concat_ws(' ', 'policy', tablename, policyname, permissive, roles, cmd, qual, with_check)
      FROM pg_policies WHERE tablename IN (SELECT relname FROM tables)
      ORDER BY 1
      """
    ).map { try $0.decode(String.self) }
  }
}
