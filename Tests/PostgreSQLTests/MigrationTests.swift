import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// Tests of migrations of a running service: short locks, and programs of several versions on one schema.
@Suite struct MigrationTests {
  private let first = Migration(name: "0001_t", sql: "CREATE TABLE t (a int); INSERT INTO t VALUES (1);")
  private let additive = Migration(
    name: "0002_u", sql: "-- migrate: compatible-with 0001_t\nALTER TABLE t ADD b int;")
  private let breaking = Migration(name: "0003_v", sql: "ALTER TABLE t DROP COLUMN a;")

  @Test func `an older program works with a compatible schema`() async throws {
    try await TestDatabase.withConnection { connection in
      _ = try await Migrator([first, additive]).migrate(connection)
      let older = Migrator([first])
      let status = try await older.status(connection)
      #expect(status.isUsable && status.pending.isEmpty && status.newest == "0001_t")
      #expect(status.applied.map(\.name) == ["0001_t", "0002_u"])
      #expect(status.applied.map(\.isKnown) == [true, false])
      #expect(status.applied.map(\.compatibleWith) == [nil, "0001_t"])
      #expect(try await older.migrate(connection) == [])
      #expect(try await older.pending(connection).isEmpty)
    }
  }

  @Test func `an older program refuses an incompatible schema`() async throws {
    try await TestDatabase.withConnection { connection in
      _ = try await Migrator([first, additive, breaking]).migrate(connection)
      for older in [Migrator([first]), Migrator([first, additive])] {
        let status = try await older.status(connection)
        #expect(!status.isUsable && status.incompatible == "0003_v")
        let error = await #expect(throws: MigrationError.self) { try await older.migrate(connection) }
        guard case .unknown("0003_v")? = error else {
          Issue.record("\(error.map { "\($0)" } ?? "nothing")")
          return
        }
      }
      #expect(try await Migrator([first, additive, breaking]).status(connection).isUsable)
    }
  }

  @Test func `compatibility reaches back to the declared migration`() async throws {
    try await TestDatabase.withConnection { connection in
      let later = Migration(
        name: "0003_w", sql: "-- migrate: compatible-with 0002_u\nALTER TABLE t ADD c int;")
      _ = try await Migrator([first, additive, later]).migrate(connection)
      #expect(try await Migrator([first, additive]).status(connection).isUsable)
      #expect(try await Migrator([first]).status(connection).incompatible == "0003_w")
    }
  }

  @Test func `the history of an older program is adopted`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.execute(
        script: """
          CREATE TABLE schema_migrations (
            name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
          CREATE TABLE t (a int);
          INSERT INTO schema_migrations (name, checksum)
          VALUES ('0001_t', encode(sha256('CREATE TABLE t (a int); INSERT INTO t VALUES (1);'), 'hex'));
          """)
      let migrator = Migrator([first, additive])
      #expect(try await migrator.status(connection).pending == ["0002_u"])
      #expect(try await migrator.migrate(connection) == ["0002_u"])
      #expect(try await migrator.status(connection).applied.map(\.compatibleWith) == [nil, "0001_t"])
    }
  }

  @Test func `a history adopts the tables of another`() async throws {
    try await TestDatabase.withConnection { connection in
      let library = Migrator(
        [
          Migration(name: "0001_t", sql: "CREATE TABLE t (a int)"),
          Migration(name: "0002_v", sql: "CREATE TABLE v (a int)"),
        ],
        table: "library_migrations",
        adopting: AdoptedHistory(table: "schema_migrations", counterparts: ["0001_t": "0002_u"]))
      #expect(try await library.pending(connection).map(\.name) == ["0001_t", "0002_v"])
      _ = try await Migrator([first]).migrate(connection)
      #expect(try await library.pending(connection).map(\.name) == ["0001_t", "0002_v"])
      _ = try await Migrator([first, additive]).migrate(connection)
      #expect(try await library.pending(connection).map(\.name) == ["0002_v"])
      #expect(try await library.status(connection).pending == ["0001_t", "0002_v"])
      #expect(try await library.migrate(connection) == ["0002_v"])
      #expect(try await library.status(connection).isUsable)
      #expect(try await library.migrate(connection) == [])
      #expect(try await Migrator([first, additive]).status(connection).applied.count == 2)
    }
  }

  @Test func `an unknown directive is refused`() async throws {
    try await TestDatabase.withConnection { connection in
      let wrong = Migration(name: "0001_t", sql: "-- migrate: compatible 0000\nCREATE TABLE t (a int)")
      let error = await #expect(throws: MigrationError.self) {
        try await Migrator([wrong]).migrate(connection)
      }
      guard case .invalidDirective("0001_t", _)? = error else { throw error ?? .duplicateName("") }
      #expect(try await connection.query("SELECT to_regclass('t') IS NULL").first?.decode(Bool.self) == true)
    }
  }

  @Test func `statements outside a transaction run one by one`() async throws {
    try await TestDatabase.withConnection { connection in
      let index = Migration(
        name: "0002_i",
        sql: """
          -- An index on a table that is being written to.
          -- migrate: compatible-with 0001_t
          -- migrate: no-transaction
          DROP INDEX CONCURRENTLY IF EXISTS t_a;
          -- migrate: statement
          CREATE INDEX CONCURRENTLY t_a ON t (a);
          """)
      #expect(try await Migrator([first, index]).migrate(connection) == ["0001_t", "0002_i"])
      let isValid = try await connection.query(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass")
      #expect(try isValid.first?.decode(Bool.self) == true)
    }
  }

  /// A long export holds its table's lock against a migration, which must not block other writers meanwhile.
  @Test(.timeLimit(.minutes(10)))
  func `a waiting migration does not block writers`() async throws {
    try await TestDatabase.withPool { pool in
      _ = try await pool.withConnection { try await Migrator([first]).migrate($0) }
      try await pool.withConnection { export in
        try await export.transaction(isolation: .repeatableRead, readOnly: true) { tx in
          try await tx.query("SELECT * FROM t")
          let migrator = Migrator([first, additive], lockTimeout: .milliseconds(200))
          let migration = Task {
            try await pool.withConnection { try await migrator.migrate($0) }
          }
          // An insert queues behind the migration's lock request until that times out. Without the timeout, the insert would
          // wait for the export, which ends after it.
          for _ in 0..<5 {
            try await pool.connectionConfiguration.waitForLock()
            try await pool.query("INSERT INTO t (a) VALUES (2)")
          }
          migration.cancel()
          _ = await migration.result
        }
      }
      // When the lock is free, the migration is applied.
      #expect(
        try await pool.withConnection { try await Migrator([first, additive]).migrate($0) } == ["0002_u"])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a migration is retried until its locks are free`() async throws {
    try await TestDatabase.withPool { pool in
      _ = try await pool.withConnection { try await Migrator([first]).migrate($0) }
      let migration = try await pool.withConnection { export in
        try await export.transaction(readOnly: true) { tx in
          try await tx.query("SELECT * FROM t")
          let migrator = Migrator([first, additive], lockTimeout: .milliseconds(50))
          let migration = Task { try await pool.withConnection { try await migrator.migrate($0) } }
          // The first attempt has failed once a second transaction waits.
          var attempts: Set<String> = []
          try await eventually {
            let waiting = try await pool.query(
              """
              SELECT xact_start::text FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type = 'Lock'
              """)
            attempts.formUnion(try waiting.map { try $0.decode(String.self) })
            return attempts.count > 1
          }
          return migration
        }
      }
      #expect(try await migration.value == ["0002_u"])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a migration that never gets its locks is an error`() async throws {
    try await TestDatabase.withPool { pool in
      _ = try await pool.withConnection { try await Migrator([first]).migrate($0) }
      try await pool.withConnection { export in
        try await export.transaction(readOnly: true) { tx in
          try await tx.query("SELECT * FROM t")
          let migrator = Migrator(
            [first, additive], lockTimeout: .milliseconds(50), timeout: .milliseconds(300))
          let error = await #expect(throws: MigrationError.self) {
            try await pool.withConnection { try await migrator.migrate($0) }
          }
          guard case .locked("0002_u", _)? = error else { throw error ?? .duplicateName("") }
        }
      }
      let status = try await pool.withConnection { try await Migrator([first, additive]).status($0) }
      #expect(status.pending == ["0002_u"])
    }
  }
}
