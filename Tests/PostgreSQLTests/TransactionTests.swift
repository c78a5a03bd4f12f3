import PostgreSQL
import TestSupport
import Testing

/// Tests of transactions: commit, rollback and unknown outcomes.
@Suite struct TransactionTests {
  struct Stop: Error {}

  @Test func `a transaction commits or rolls back`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a int)")
      let seen = try await connection.transaction(setup: ["SET LOCAL verdict.tenant = '7'"]) { transaction in
        try await transaction.query("INSERT INTO t VALUES (1)")
        return try await transaction.query("SELECT current_setting('verdict.tenant')").first?.decode(
          String.self)
      }
      #expect(seen == "7")
      await #expect(throws: Stop.self) {
        try await connection.transaction { transaction in
          try await transaction.query("INSERT INTO t VALUES (2)")
          throw Stop()
        }
      }
      try await connection.transaction { transaction in
        await #expect(throws: Stop.self) {
          try await transaction.savepoint { inner in
            try await inner.query("INSERT INTO t VALUES (3)")
            throw Stop()
          }
        }
        _ = try await transaction.savepoint { try await $0.query("INSERT INTO t VALUES (4)") }
      }
      let rows = try await connection.query("SELECT a FROM t ORDER BY a").map { try $0.decode(Int.self) }
      #expect(rows == [1, 4])
    }
  }

  @Test func `a caught error fails the transaction`() async throws {
    try await TestDatabase.withConnection { connection in
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.transaction { transaction in
          try await transaction.query("CREATE TABLE lost (a int)")
          _ = try? await transaction.query("SELECT 1/0")
        }
      }
      #expect(error?.kind == .transactionAborted)
    }
  }

  @Test func `a session that ends during its commit leaves the outcome unknown`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.execute(
        script: """
          CREATE TABLE t (a int);
          CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER leaving AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION leave();
          """)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.transaction { try await $0.query("INSERT INTO t VALUES (1)") }
      }
      #expect(error?.isConnectionProblem == true)
      #expect(error?.isOutcomeUnknown == true)
    }
    try await TestDatabase.withConnection { connection in
      // A session that ends before its COMMIT has no effect, and its error says so.
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.transaction {
          try await $0.query("SELECT pg_terminate_backend(pg_backend_pid())")
        }
      }
      #expect(error?.isConnectionProblem == true)
      #expect(error?.isOutcomeUnknown == false)
    }
  }

  @Test func `a deferred constraint fails the commit`() async throws {
    try await TestDatabase.withConnection { connection in
      try await connection.query("CREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
      let error = await #expect(throws: PostgreSQLError.self) {
        try await connection.transaction { transaction in
          try await transaction.query("INSERT INTO t VALUES (1), (1)")
        }
      }
      #expect(error?.sqlState == .uniqueViolation)
      // The same constraint fails at the sync of a pipeline.
      let second = await #expect(throws: PostgreSQLError.self) {
        try await connection.pipeline(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)"])
      }
      #expect(second?.sqlState == .uniqueViolation)
      #expect(try await connection.query("SELECT count(*) FROM t").first?.decode(Int.self) == 0)
    }
  }

  @Test func `a finished transaction refuses statements`() async throws {
    try await TestDatabase.withConnection { connection in
      let leaked = try await connection.transaction { transaction in
        try await transaction.query("SELECT 1")
        return transaction
      }
      let error = await #expect(throws: PostgreSQLError.self) {
        try await leaked.query("CREATE TABLE x (a int)")
      }
      #expect(error?.kind == .misuse)
    }
  }
}
