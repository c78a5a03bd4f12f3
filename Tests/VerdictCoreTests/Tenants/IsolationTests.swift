import DomainTestSupport
import Foundation
import PostgreSQL
import Learning
import Testing
@testable import VerdictCore

/// Tenants are islands: by the filters, and by row-level security where a filter were forgotten.
@Suite struct IsolationTests {
  private static let tables = [
    "tenants", "api_keys", "datasets", "label_counts", "labels", "models", "kpis", "predictions",
    "idempotency_keys", "jobs", "prediction_counts", "job_limits", "audit_entries", "live_counts",
  ]

  @Test func anothersDatasetIsAbsent() async throws {
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
      // Both may use the same name.
      try await domain.dataset(mine)
      try await domain.post(x: [1], mine)
      #expect(try await domain.counts(mine).stored == 1)
      #expect(try await domain.counts(theirs).stored == 3)
    }
  }

  @Test func statementsWithoutAFilterSeeTheOwnRowsOnly() async throws {
    try await TestDomain.with { domain in
      let mine = try await domain.tenant("mine")
      let theirs = try await domain.tenant("theirs")
      for tenant in [mine, theirs] {
        try await domain.dataset(tenant)
        try await domain.post(x: [1, 2, 3, -1, -2, -3], tenant)
        _ = try await domain.database.transaction(for: tenant) { tx in
          try await domain.trainings.request(tenant, dataset: "d", in: tx) { $0 }
        }
      }
      for table in Self.tables {
        let owners = try await domain.database.transaction(for: mine) { tx in
          try await tx.query("SELECT DISTINCT tenant_id FROM \(identifier: table)").map {
            try $0.decode(Int32.self)
          }
        }
        #expect(Set(owners).isSubset(of: [mine.rawValue]), "\(table) shows another tenant's rows")
        let unset = try await domain.database.pool.query("SELECT count(*) FROM \(identifier: table)")
        #expect(try unset.first?.decode(Int.self) == 0, "\(table) shows rows without a tenant")
      }
    }
  }

  @Test func rowsCannotBeWrittenForAnother() async throws {
    try await TestDomain.with { domain in
      let mine = try await domain.tenant("mine")
      let theirs = try await domain.tenant("theirs")
      let dataset = try await domain.dataset(theirs)
      let error = await #expect(throws: PostgreSQLError.self) {
        try await domain.database.transaction(for: mine) { tx in
          try await tx.query(
            """
            INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
            VALUES (\(theirs.rawValue), \(dataset.id), true, '{}', '{}')
            """)
        }
      }
      #expect(error?.sqlState == .insufficientPrivilege)
    }
  }

  @Test func everyTableIsUnderForcedRowLevelSecurityAndKeyedByTenant() async throws {
    try await TestDomain.with { domain in
      let (open, keyless) = try await domain.asOwner { connection in
        let open = try await connection.query(
          """
          SELECT relname FROM pg_class
          WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'schema_migrations'
            AND NOT (relrowsecurity AND relforcerowsecurity)
          """
        ).map { try $0.decode(String.self) }
        // Unique indexes and primary keys whose first column is another one; the directory's names are no tenant's.
        let keyless = try await connection.query(
          """
          SELECT i.indexrelid::regclass::text FROM pg_index i
          JOIN pg_class t ON t.oid = i.indrelid AND t.relnamespace = 'public'::regnamespace
          JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
          WHERE (i.indisunique OR i.indisprimary) AND a.attname <> 'tenant_id' AND t.relname <> 'schema_migrations'
            AND i.indexrelid::regclass::text <> 'tenants_name_key'
          """
        ).map { try $0.decode(String.self) }
        return (open, keyless)
      }
      #expect(open.isEmpty)
      #expect(keyless.isEmpty)
    }
  }

  @Test func deletingATenantLeavesNothingOfIt() async throws {
    try await TestDomain.with { domain in
      let mine = try await domain.tenant("mine")
      let theirs = try await domain.tenant("theirs")
      for tenant in [mine, theirs] {
        try await domain.dataset(tenant)
        try await domain.post(x: [1, 2, -1, -2], tenant)
      }
      try await TenantStore(database: domain.database).delete(mine)
      for table in Self.tables {
        let left = try await domain.asOwner { connection in
          try await connection.query(
            "SELECT count(*) FROM \(identifier: table) WHERE tenant_id = \(mine.rawValue)"
          ).first?.decode(Int.self)
        }
        #expect(left == 0, "\(table) still has rows")
      }
      #expect(try await domain.counts(theirs).stored == 4)
    }
  }
}
