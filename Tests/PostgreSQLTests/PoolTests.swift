import PostgreSQL
import TestSupport
import Testing

/// Tests of the pool with real connections.
@Suite struct PoolTests {
  @Test func `many tasks share few connections`() async throws {
    try await TestDatabase.withPool(maximum: 4) { pool in
      let sum = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<200 {
          group.addTask { try await pool.query("SELECT \(number)").first?.decode(Int.self) ?? 0 }
        }
        return try await group.reduce(0, +)
      }
      #expect(sum == 199 * 100)
      #expect(pool.statistics().open <= 4 && pool.statistics().inUse == 0)
    }
  }

  @Test func `an open transaction is rolled back on return`() async throws {
    try await TestDatabase.withPool(maximum: 1) { pool in
      try await pool.query("CREATE TABLE t (a int)")
      try await pool.withConnection { connection in
        try await connection.query("BEGIN")
        try await connection.query("INSERT INTO t VALUES (1)")
      }
      #expect(try await pool.query("SELECT count(*) FROM t").first?.decode(Int.self) == 0)
    }
  }

  @Test func `acquiring a connection times out and can be cancelled`() async throws {
    try await TestDatabase.withDatabase { configuration in
      let pool = ConnectionPool(
        .init(connection: configuration, maximum: 1, acquireTimeout: .seconds(1)))
      try await pool.withConnection { _ in
        let error = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 1") }
        #expect(error?.kind == .acquireTimeout)
        let task = Task { try await pool.query("SELECT 1") }
        task.cancel()
        let second = await #expect(throws: PostgreSQLError.self) { try await task.value }
        #expect(second?.kind == .cancelled)
      }
      #expect(try await pool.query("SELECT 1").count == 1)
      await pool.close()
      let closed = await #expect(throws: PostgreSQLError.self) { try await pool.query("SELECT 1") }
      #expect(closed?.kind == .poolClosed)
    }
  }

  @Test func `a killed backend is replaced`() async throws {
    try await TestDatabase.withPool(maximum: 1) { pool in
      let error = await #expect(throws: PostgreSQLError.self) {
        try await pool.query("SELECT pg_terminate_backend(pg_backend_pid())")
      }
      #expect(error?.isConnectionProblem == true && error?.sqlState == .adminShutdown)
      let healed = try await pool.query("SELECT 1")
      #expect(healed.count == 1)
    }
  }

  @Test(arguments: ["result", "parameter"])
  func `a connection with large buffers is replaced`(kind: String) async throws {
    try await TestDatabase.withPool(maximum: 1) { pool in
      func session() async throws -> Int? {
        try await pool.query("SELECT pg_backend_pid()").first?.decode(Int.self)
      }
      let first = try await session()
      try await pool.query("SELECT repeat('x', 1000000)")
      #expect(try await session() == first)
      let text = String(repeating: "x", count: 9 << 20)
      let length: Int?
      switch kind {
      case "result":
        length = try await pool.query("SELECT repeat('x', 9437184)").first?.decode(String.self).count
      default: length = try await pool.query("SELECT length(\(text))").first?.decode(Int.self)
      }
      #expect(length == text.count)
      let second = try await session()
      #expect(second != first)
      #expect(try await session() == second)
      #expect(pool.statistics().open == 1)
    }
  }
}
