import DomainTestSupport
import JobQueue
import Foundation
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of the rights of the pool's role, and of the state of connections that return to the pool.
@Suite struct PoolRoleTests {
  /// Connects as production does: as `verdict_app` itself, which is a member of no other role.
  @Test func `the role can neither become another one nor bypass row-level security`() async throws {
    try await TestDomain.with { domain in
      let mine = try await domain.tenant("mine")
      let theirs = try await domain.tenant("theirs")
      try await domain.asOwner { connection in
        // Roles belong to the whole cluster: another test may change this one concurrently.
        for _ in 0..<20 {
          if (try? await connection.query("ALTER ROLE verdict_app LOGIN")) != nil { break }
        }
      }
      var configuration = domain.admin
      configuration.parameters["user"] = "verdict_app"
      let connection = try await Connection.connect(configuration, logger: domain.logger)
      for statement: Query in [
        "SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "ALTER ROLE verdict_app BYPASSRLS",
        "ALTER ROLE verdict_app SUPERUSER", "GRANT postgres TO verdict_app", "CREATE ROLE another",
        "ALTER TABLE api_keys DISABLE ROW LEVEL SECURITY", "ALTER TABLE api_keys NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant_isolation ON api_keys", "CREATE POLICY mine ON api_keys USING (true)",
        "ALTER TABLE api_keys OWNER TO verdict_app", "DELETE FROM schema_migrations", "TRUNCATE labels",
        "CREATE TABLE public.sink (x int)",
        "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "COPY labels FROM STDIN", "COPY labels TO PROGRAM 'cat'", "SELECT pg_read_file('/etc/passwd')",
        "SELECT lo_import('/etc/passwd')", "SELECT rolpassword FROM pg_authid",
      ] {
        let error = await #expect(throws: PostgreSQLError.self, "\(statement)") {
          _ = try await connection.query(statement)
        }
        #expect(
          error?.sqlState == .insufficientPrivilege || error?.sqlState == .featureNotSupported,
          "\(statement): \(error as Any)")
      }
      // RESET ROLE has no effect: the session's user is the role itself.
      try await connection.query("RESET ROLE")
      let user = try await connection.query("SELECT current_user::text").first?.decode(String.self)
      #expect(user == "verdict_app")
      for tenant in ["", "\(mine.rawValue)"] {
        let owners = try await connection.transaction { tx in
          try await tx.query("SELECT set_config('verdict.tenant', \(tenant), true)")
          return try await tx.query("SELECT tenant_id FROM api_keys WHERE secret_hash IS NOT NULL").map {
            try $0.decode(Int32.self)
          }
        }
        #expect(owners == (tenant.isEmpty ? [] : [mine.rawValue]))
        #expect(!owners.contains(theirs.rawValue))
      }
      // With row_security off, PostgreSQL refuses the query instead of returning all rows.
      let error = await #expect(throws: PostgreSQLError.self) {
        _ = try await connection.transaction { tx in
          try await tx.query("SET LOCAL row_security = off")
          return try await tx.query("SELECT * FROM api_keys")
        }
      }
      #expect(error?.sqlState == .insufficientPrivilege)
      await connection.close()
    }
  }

  /// With a pool of one connection, the next borrower finds no tenant, no other role and no rows, however the
  /// previous transaction ended.
  @Test(.timeLimit(.minutes(10)))
  func `no connection returns to the pool with a tenant`() async throws {
    try await TestDomain.with(connections: 1) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [1, 2, -1, -2], tenant)
      _ = try await domain.database.transaction(for: tenant) { tx in
        try await domain.trainings.request(tenant, dataset: "d", in: tx) { $0 }
      }
      struct TestError: Error {}
      let failing: [@Sendable (Transaction) async throws -> Void] = [
        { _ = try await $0.query("SELECT 1") },
        { _ = try await $0.query("SELECT 1 / 0") },
        { tx in
          _ = try await tx.query("SELECT 1")
          throw TestError()
        },
        { _ = try? await $0.query("SELECT nonsense") },
        { _ = try await $0.pipeline(["SELECT 1", "SELECT 1 / 0", "SELECT 2"]) },
        { tx in try await tx.savepoint { _ = try await $0.query("SELECT 1 / 0") } },
        { tx in
          try await tx.query("CREATE TEMPORARY TABLE t (x int) ON COMMIT DROP")
          _ = try await tx.copyIn("COPY t FROM STDIN") { _ in throw TestError() }
        },
        {
          _ = try await $0.copyOut("COPY (SELECT generate_series(1, 1000000)) TO STDOUT") { _ in
            throw TestError()
          }
        },
        { _ = try await $0.query("COMMIT") },
        { _ = try await $0.query("SELECT pg_terminate_backend(pg_backend_pid())") },
      ]
      for (number, body) in failing.enumerated() {
        _ = try? await domain.database.transaction(for: tenant) { tx in try await body(tx) }
        try await expectNoTenant(domain, "after failure \(number)")
      }
      // Cancellation before, during and after a statement.
      for delay in 0..<20 {
        let running = Task {
          try await domain.database.transaction(for: tenant) { tx in
            for _ in 0..<5 { _ = try await tx.query("SELECT pg_sleep(0.005)") }
          }
        }
        try await Task.sleep(for: .milliseconds(2 * delay))
        running.cancel()
        _ = await running.result
        try await expectNoTenant(domain, "cancelled after \(2 * delay) ms")
      }
      // A pipeline of the form that predictions use, which sets tenants between its statements, fails in its middle.
      _ = try? await domain.database.pool.pipeline([
        "BEGIN", Database.setTenant(tenant), "SELECT 1", "SELECT 1 / 0", "COMMIT",
      ])
      try await expectNoTenant(domain, "after a broken pipeline")
      _ = try await domain.database.operatorTransaction { _ = try await $0.query("SELECT 1") }
      try await expectNoTenant(domain, "after the operator's")
      _ = try await domain.queue.statistics()
      try await expectNoTenant(domain, "after the queue's")
      _ = try await domain.queue.claim(worker: "w")
      try await expectNoTenant(domain, "after a claim")
    }
  }

  private func expectNoTenant(_ domain: TestDomain, _ when: String) async throws {
    let row = try await domain.database.pool.query(
      """
      SELECT coalesce(current_setting('verdict.tenant', true), ''), coalesce(current_setting('verdict.operator', true), ''),
             coalesce(current_setting('jobqueue.worker', true), ''), current_user::text,
             (SELECT count(*) FROM api_keys) + (SELECT count(*) FROM jobs)
      """
    ).single()
    let (tenant, isOperator, isWorker, user, rows) = try row.decode(
      String.self, String.self, String.self, String.self, Int.self)
    #expect(
      tenant.isEmpty && isOperator.isEmpty && isWorker.isEmpty && user == "verdict_app" && rows == 0,
      "\(when): \(tenant)")
  }
}
