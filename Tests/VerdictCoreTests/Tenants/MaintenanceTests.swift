import DomainTestSupport
import Foundation
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of maintenance: the rows that it removes, and the isolation of tenants from each other's failures.
@Suite struct MaintenanceTests {
  private func maintain(_ domain: TestDomain, auditRetentionDays: Int? = nil) async throws {
    try await Maintenance(
      database: domain.database, auditRetentionDays: auditRetentionDays, logger: domain.logger
    )
    .maintain()
  }

  /// The tenant whose rows cannot be removed comes first.
  @Test func `one tenant's failure does not delay the others`() async throws {
    try await TestDomain.with { domain in
      let tenants = [try await domain.tenant("a"), try await domain.tenant("b")]
      for tenant in tenants {
        try await domain.dataset(tenant)
        try await domain.dataset(tenant, "gone")
        try await domain.post(x: [1, 2, -1], tenant, "gone")
        try await domain.datasets.delete(tenant, named: "gone")
      }
      try await domain.asOwner { connection in
        try await connection.execute(
          script: """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
            CREATE TRIGGER refuse BEFORE DELETE ON labels FOR EACH ROW WHEN (OLD.tenant_id = \(tenants[0].rawValue))
              EXECUTE FUNCTION refuse();
            INSERT INTO idempotency_keys (tenant_id, key, operation, created_at)
            SELECT tenant_id, 'k', 'POST /x', now() - interval '25 hours' FROM tenants;
            """)
      }
      try await maintain(domain)
      let left = try await domain.asOwner { connection in
        try await connection.query(
          "SELECT tenant_id, count(*) FROM labels GROUP BY 1 UNION ALL SELECT -tenant_id, 1 FROM idempotency_keys"
        ).map { try $0.decode(Int32.self, Int.self) }
      }
      #expect(left.map(\.0) == [tenants[0].rawValue])
      #expect(left.map(\.1) == [3])
    }
  }

  @Test func `old entries of the audit log are deleted in steps`() async throws {
    try await TestDomain.with { domain in
      let (tenant, other) = (try await domain.tenant(), try await domain.tenant("other"))
      let (old, count) = (2 * AuditLog.rowsPerStep + 5, 10)
      try await domain.asOwner { connection in
        for each in [tenant, other] {
          for (days, entries) in [(400, old), (40, count), (20, count)] {
            try await connection.query(
              """
              INSERT INTO audit_entries (tenant_id, action, target, at)
              SELECT \(each.rawValue), 'a.b', 'x', now() - make_interval(days => \(Int32(days)))
              FROM generate_series(1, \(entries))
              """)
          }
        }
        // Backdates the entries for creating the tenants.
        try await connection.query(
          "UPDATE audit_entries SET at = now() - interval '500 days' WHERE action <> 'a.b'")
      }
      let entries: @Sendable (TenantID) async throws -> Int = { tenant in
        try await AuditLog(database: domain.database).list(tenant, before: nil, limit: 10_000).count
      }
      try await maintain(domain)
      #expect(try await entries(tenant) == old + 2 * count + 2)
      // The function deletes only entries of the transaction's tenant, although it runs as its owner.
      _ = try await domain.database.transaction(for: other) { tx in
        try await tx.query("SELECT forget_audit_entries(\(tenant.rawValue), 30, 1000)")
      }
      #expect(try await entries(tenant) == old + 2 * count + 2)
      try await maintain(domain, auditRetentionDays: 365)
      #expect(try await entries(tenant) == 2 * count)
      #expect(try await entries(other) == 2 * count)
      // The database keeps entries for at least thirty days, whatever the caller requests.
      try await AuditLog.removeOld(of: tenant, days: 1, in: domain.database)
      #expect(try await entries(tenant) == count)
    }
  }
}
