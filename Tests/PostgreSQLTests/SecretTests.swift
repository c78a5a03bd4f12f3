import Logging
import PostgreSQL
import TestSupport
import Testing

/// Tests that secrets and row values do not appear in texts of errors and statements.
@Suite struct SecretTests {
  /// The server's DETAIL line contains row values for some conditions and the names of objects for others.
  @Test func `the text of an error omits row values`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query(
        "CREATE TABLE t (name text PRIMARY KEY, age int NOT NULL CHECK (age > 0), parent text REFERENCES t)")
      try await connection.query("INSERT INTO t VALUES ('confidential', 7, NULL)")
      for statement: Query in [
        "INSERT INTO t VALUES (\("confidential"), 8, NULL)",
        "INSERT INTO t VALUES (\("confidential 2"), NULL, NULL)",
        "INSERT INTO t VALUES (\("confidential 3"), -1, NULL)",
        "INSERT INTO t VALUES ('x', 1, \("confidential 4"))", "SELECT \("{confidential}")::text::json",
      ] {
        let error = await #expect(throws: PostgreSQLError.self) { try await connection.query(statement) }
        #expect(error?.detail?.contains("confidential") == true, "\(statement) would tell nothing")
        #expect(!"\(error as Any)".contains("confidential"), "\(error as Any)")
        #expect(error.map { String(reflecting: $0).contains("confidential") } == false)
      }
      // A DETAIL that contains only names is kept.
      try await connection.query("CREATE VIEW v AS SELECT * FROM t")
      let error = await #expect(throws: PostgreSQLError.self) { try await connection.query("DROP TABLE t") }
      #expect(error.map { "\($0)".contains("view v depends on table t") } == true)
    }
  }

  @Test func `a SCRAM verifier accepts its password`() async throws {
    try await TestCluster.with { cluster in
      let owner = try await Connection.connect(cluster.configuration)
      let password = "it's \\ a % \"secret\" ünd mehr"
      let verifier = try await owner.verifier(ofPassword: password, for: "guest")
      #expect(verifier.hasPrefix("SCRAM-SHA-256$4096:"))
      #expect(
        try await owner.verifier(ofPassword: password, for: "guest") != verifier, "each has a salt of its own"
      )
      try await owner.query("CREATE ROLE guest LOGIN PASSWORD '\(unescaped: verifier)'")
      let stored = try await owner.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'guest'")
      #expect(try stored.first?.decode(String.self) == verifier)
      for refused in ["", "a\0b"] {
        let error = await #expect(throws: PostgreSQLError.self) {
          try await owner.verifier(ofPassword: refused, for: "guest")
        }
        #expect(error?.kind == .encoding)
      }
      // The connection is unaffected.
      #expect(try await owner.query("SELECT 1").first?.decode(Int.self) == 1)
      await owner.close()
      await #expect(throws: PostgreSQLError.self) {
        try await owner.verifier(ofPassword: password, for: "guest")
      }
    }
  }
}
