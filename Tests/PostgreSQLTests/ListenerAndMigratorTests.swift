import PostgreSQL
import TestSupport
import Testing

/// Tests of the listener's events.
@Suite struct ListenerTests {
  @Test func `a listener reports notifications and reconnects`() async throws {
    try await TestDatabase.withPool { pool in
      let configuration = pool.connectionConfiguration
      var seen: [String] = []
      for await event in Listener(configuration, channels: ["jobs", "odd \"name"]).events() {
        switch event {
        case .connected:
          seen.append("connected")
          try await pool.query("SELECT pg_notify('odd \"name', \("hello \(seen.count)"))")
        case .notification(let channel, let payload, _):
          seen.append("\(channel): \(payload)")
          if seen.count > 3 { break }
          try await pool.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()
            """
          )
          continue
        case .disconnected: seen.append("disconnected")
        case .alive: break
        }
        if seen.count >= 5 { break }
      }
      #expect(
        seen == [
          "connected", "odd \"name: hello 1", "disconnected", "connected", "odd \"name: hello 4",
        ])
    }
  }
}

/// Tests of applying migrations.
@Suite struct MigratorTests {
  let first = Migration(name: "0001_t", sql: "CREATE TABLE t (a int); INSERT INTO t VALUES (1);")
  let second = Migration(name: "0002_u", sql: "ALTER TABLE t ADD b int")

  @Test func `each migration is applied once`() async throws {
    try await TestDatabase.withConnection { connection in
      let pending = try await Migrator([second, first]).pending(connection)
      #expect(pending.map(\.name) == ["0001_t", "0002_u"])
      #expect(try await Migrator([first]).migrate(connection) == ["0001_t"])
      #expect(try await Migrator([second, first]).migrate(connection) == ["0002_u"])
      #expect(try await Migrator([second, first]).pending(connection).isEmpty)
    }
  }

  @Test func `a different history is refused`() async throws {
    try await TestDatabase.withConnection { connection in
      _ = try await Migrator([second.renamed("0001_x", "CREATE TABLE x (a int)")]).migrate(connection)
      await #expect(throws: MigrationError.self) {
        try await Migrator([second.renamed("0001_x", "CREATE TABLE y (a int)")]).migrate(connection)
      }
      await #expect(throws: MigrationError.self) { try await Migrator([]).migrate(connection) }
      await #expect(throws: MigrationError.self) {
        try await Migrator([
          second.renamed("0000_w", "SELECT 1"), second.renamed("0001_x", "CREATE TABLE x (a int)"),
        ]).migrate(connection)
      }
    }
  }

  @Test func `a failed migration is rolled back`() async throws {
    try await TestDatabase.withConnection { connection in
      let bad = Migration(name: "0002_bad", sql: "CREATE TABLE half (a int); SELECT 1/0;")
      await #expect(throws: MigrationError.self) { try await Migrator([first, bad]).migrate(connection) }
      let gone = try await connection.query("SELECT to_regclass('half') IS NULL")
      #expect(try gone.first?.decode(Bool.self) == true)
      #expect(try await Migrator([first, second]).migrate(connection) == ["0002_u"])
    }
  }

  @Test func `concurrent migrators take turns`() async throws {
    try await TestDatabase.withPool { pool in
      let applied = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<5 {
          group.addTask {
            try await pool.withConnection { try await Migrator([first, second]).migrate($0).count }
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(applied == 2)
    }
  }
}

extension Migration {
  fileprivate func renamed(_ name: String, _ sql: String) -> Migration { Migration(name: name, sql: sql) }
}
