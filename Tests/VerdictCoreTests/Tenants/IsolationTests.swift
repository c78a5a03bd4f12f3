import DomainTestSupport
import Foundation
import PostgreSQL
import Learning
import Testing
@testable import VerdictCore

/// Tests of isolation by the filters of the statements. `StatementTests` proves the part of row-level security.
@Suite struct IsolationTests {
  @Test func `another tenant's dataset is absent`() async throws {
    try await TestDomain.with { domain in
      let mine = try await domain.tenant("mine")
      let theirs = try await domain.tenant("theirs")
      try await domain.dataset(theirs)
      try await domain.post(x: [1, 2, -1], theirs)
      await #expect(throws: DomainError.notFound(what: "dataset d")) {
        try await domain.datasets.summary(mine, named: "d")
      }
      await #expect(throws: DomainError.notFound(what: "dataset d")) {
        try await domain.labels.list(mine, dataset: "d", after: nil, limit: 10)
      }
      await #expect(throws: DomainError.notFound(what: "dataset d")) { try await domain.post(x: [1], mine) }
      // Two tenants may use the same name.
      try await domain.dataset(mine)
      try await domain.post(x: [1], mine)
      #expect(try await domain.counts(mine).stored == 1)
      #expect(try await domain.counts(theirs).stored == 3)
    }
  }

  @Test func `every table has forced row-level security and keys that begin with the tenant`() async throws {
    try await TestDomain.with { domain in
      let (open, keyless) = try await domain.asOwner { connection in
        let open = try await connection.query(
          """
          SELECT relname FROM pg_class
          WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
            AND relname NOT IN ('schema_migrations', 'job_queue_migrations')
            AND NOT (relrowsecurity AND relforcerowsecurity)
          """
        ).map { try $0.decode(String.self) }
        // Unique indexes and primary keys whose first column is not the tenant. The directory's names belong to no
        // tenant.
        let keyless = try await connection.query(
          """
          SELECT i.indexrelid::regclass::text FROM pg_index i
          JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'public'::regnamespace
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
          WHERE (i.indisunique OR i.indisprimary) AND a.attname <> 'tenant_id'
            AND t.relname NOT IN ('schema_migrations', 'job_queue_migrations')
            AND i.indexrelid::regclass::text <> 'tenants_name_key'
          """
        ).map { try $0.decode(String.self) }
        return (open, keyless)
      }
      #expect(open.isEmpty)
      #expect(keyless.isEmpty)
    }
  }
}
