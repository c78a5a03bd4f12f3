import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests of queries on one connection.
@Suite struct ConnectionQueryTests {
  @Test func `every type is bound and decoded`() async throws {
    try await TestDatabase.withConnection { connection in
      let id = UUID()
      let now = Date(timeIntervalSince1970: 1_700_000_000.123456)
      let row = try #require(
        await connection.query(
          """
          SELECT \(true), \(Int16(-3)), \(Int32(7)), \(Int64.min), \(42), \(Float(1.5)), \(2.25), \("ä'\\"),
            \(id), \(now), \(Data([0, 255])), \(JSONB(bytes: Data("{\"a\": [1]}".utf8))), \(Int?.none)
          """
        ).first)
      let (a, b, c, d, e, f, g, h, i, j, k, l, m) = try row.decode(
        Bool.self, Int16.self, Int32.self, Int64.self, Int.self, Float.self, Double.self, String.self,
        UUID.self, Date.self, Data.self, JSONB.self, Int?.self)
      #expect(a && b == -3 && c == 7 && d == .min && e == 42 && f == 1.5 && g == 2.25)
      #expect(h == "ä'\\" && i == id && k == Data([0, 255]) && m == nil)
      #expect(abs(j.timeIntervalSince(now)) < 1e-6)
      #expect(try l.decode([String: [Int]].self) == ["a": [1]])
    }
  }

  @Test func `arrays keep their nulls`() async throws {
    try await TestDatabase.withConnection { connection in
      let doubles: [Double?] = [1, nil, -.infinity, .nan]
      let texts: [String?] = ["", nil, "x,y\"{}"]
      let row = try #require(
        await connection.query("SELECT \(doubles), \(texts), \([Int]()), ARRAY[1::int4, 2]").first)
      let (d, t, e, f) = try row.decode([Double?].self, [String?].self, [Int].self, [Int].self)
      #expect(d[0] == 1 && d[1] == nil && d[2] == -.infinity && d[3]?.isNaN == true)
      #expect(t == texts && e == [] && f == [1, 2])
    }
  }

  @Test func `a server error carries its SQLSTATE and names`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (id int PRIMARY KEY)")
      try await connection.query("INSERT INTO t VALUES (1)")
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.query("INSERT INTO t VALUES (\(1))")
      }
      #expect(error?.sqlState == .uniqueViolation && error?.constraint == "t_pkey" && error?.table == "t")
      #expect(
        error?.query == "INSERT INTO t VALUES ($1)" && error?.file?.hasSuffix("QueryTests.swift") == true)
      #expect(try await connection.query("SELECT count(*) FROM t").first?.decode(Int.self) == 1)
    }
  }

  @Test func `a pipeline is atomic`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (id int PRIMARY KEY)")
      let results = try await connection.pipeline((1...300).map { "INSERT INTO t VALUES (\(Int32($0)))" })
      #expect(results.count == 300 && results.allSatisfy { $0.affectedRows == 1 })
      await #expect(throws: PostgreSQLError.self) {
        try await connection.pipeline([
          "INSERT INTO t VALUES (1000)", "SELECT 1/0", "INSERT INTO t VALUES (1001)",
        ])
      }
      #expect(try await connection.query("SELECT max(id) FROM t").first?.decode(Int.self) == 300)
    }
  }

  /// The server's responses fill both socket buffers while the client is still sending.
  @Test func `a large pipeline does not deadlock`() async throws {
    try await TestDatabase.withConnection { connection in
      let payload = String(repeating: "x", count: 200_000)
      let results = try await connection.pipeline((0..<60).map { _ in "SELECT \(payload)" })
      #expect(try results.allSatisfy { try $0.first?.decode(String.self).utf8.count == 200_000 })
    }
  }

  @Test func `a stale plan is prepared again`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a int)")
      try await connection.query("INSERT INTO t VALUES (1)")
      #expect(try await connection.query("SELECT * FROM t").columns.count == 1)
      try await connection.query("ALTER TABLE t ADD b int")
      #expect(try await connection.query("SELECT * FROM t").columns.count == 2)
      try await connection.query("ALTER TABLE t ADD c int")
      let count = try await connection.transaction { try await $0.query("SELECT * FROM t").columns.count }
      #expect(count == 3)
      try await connection.query("DEALLOCATE ALL")
      #expect(try await connection.query("SELECT * FROM t").columns.count == 3)
    }
  }

  @Test func `the statement cache stays bounded`() async throws {
    try await TestDatabase.withDatabase { configuration in
      var configuration = configuration
      configuration.statementCacheCapacity = 3
      let connection = try await Connection.connect(configuration)
      for number in 0..<20 { try await connection.query("SELECT \(unescaped: "\(number)")") }
      let left = try await connection.query("SELECT count(*) FROM pg_prepared_statements").first?.decode(
        Int.self)
      #expect(try #require(left) <= 4)
      await connection.close()
    }
  }

  @Test func `cancelling the task cancels the statement`() async throws {
    try await TestDatabase.withDatabase { configuration in
      let connection = try await Connection.connect(configuration)
      for _ in 0..<5 {
        let task = Task { try await connection.query("SELECT pg_sleep(600)") }
        try await configuration.waitForSleep()
        task.cancel()
        let error = await #expect(throws: PostgreSQLError.self) { try await task.value }
        #expect(error?.kind == .cancelled)
        // The next statement is not cancelled.
        #expect(try await connection.query("SELECT \(1) FROM pg_sleep(0.02)").count == 1)
      }
      await connection.close()
    }
  }

  @Test func `statement timeout`() async throws {
    try await TestDatabase.withDatabase { configuration in
      var configuration = configuration
      configuration.statementTimeout = .seconds(2)
      configuration.cancelTimeout = .seconds(60)
      let connection = try await Connection.connect(configuration)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.query("SELECT pg_sleep(600)")
      }
      #expect(error?.kind == .statementTimeout)
      #expect(try await connection.query("SELECT 1").count == 1)
      await connection.close()
    }
  }
}
