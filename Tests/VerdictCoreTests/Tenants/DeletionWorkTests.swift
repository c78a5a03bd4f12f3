import DomainTestSupport
import Foundation
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the work of large deletions: PostgreSQL reads a small multiple of the deleted rows, whatever the
/// planner's statistics are.
@Suite struct DeletionWorkTests {
  /// The state of the planner's statistics when the rows are deleted.
  enum Statistics: String, CaseIterable {
    case none
    case beforeTheRows
    case ofAnotherTenantAlone
    case present
  }

  private static let rows = 30_000

  @Test(.timeLimit(.minutes(10)), arguments: Statistics.allCases)
  func `deleting a dataset reads each row a few times`(statistics: Statistics) async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await fill(domain, tenant, statistics)
      try await domain.datasets.delete(tenant, named: "d")
      let before = try await work(domain)
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      try await expectLittleWork(domain, since: before)
      #expect(try await left(domain, tenant) == 0)
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: Statistics.allCases)
  func `erasing a tenant reads each row a few times`(statistics: Statistics) async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await fill(domain, tenant, statistics)
      let before = try await work(domain)
      try await TenantStore(database: domain.database).delete(tenant)
      try await expectLittleWork(domain, since: before)
      #expect(try await left(domain, tenant) == 0)
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: Statistics.allCases)
  func `retention reads each row a few times`(statistics: Statistics) async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await fill(domain, tenant, statistics)
      try await domain.asOwner { connection in
        try await connection.query(
          "UPDATE datasets SET predictions_kept_days = 1 WHERE tenant_id = \(tenant.rawValue)")
      }
      let before = try await work(domain)
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      try await expectLittleWork(domain, since: before)
    }
  }

  /// Creates labels, old predictions and old stored results of a tenant, beside another tenant's.
  private func fill(_ domain: TestDomain, _ tenant: TenantID, _ statistics: Statistics) async throws {
    let dataset = try await domain.dataset(tenant)
    let other = try await domain.tenant("other")
    let theirs = try await domain.dataset(other)
    try await domain.asOwner { connection in
      // Autovacuum must not change the statistics.
      for table in ["labels", "predictions", "idempotency_keys"] {
        try await connection.query("ALTER TABLE \(identifier: table) SET (autovacuum_enabled = off)")
      }
      if statistics == .beforeTheRows { try await connection.query("ANALYZE") }
      try await Self.insert(Self.rows / 3, other, theirs.id, connection)
      if statistics == .ofAnotherTenantAlone { try await connection.query("ANALYZE") }
      try await Self.insert(Self.rows, tenant, dataset.id, connection)
      if statistics == .present { try await connection.query("ANALYZE") }
    }
  }

  private static func insert(
    _ rows: Int, _ tenant: TenantID, _ dataset: Int, _ connection: Connection
  ) async throws {
    try await connection.query(
      """
      INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
      SELECT \(tenant.rawValue), \(dataset), i % 2 = 0, ARRAY[i::float8], ARRAY['c'] FROM generate_series(1, \(rows)) i
      """)
    try await connection.query(
      """
      INSERT INTO predictions
        (tenant_id, dataset_id, id, created_at, model_version, label, probability, threshold, numbers, categories)
      SELECT \(tenant.rawValue), \(dataset), ('01000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
             now() - interval '30 days', 1, true, 0.5, 0.5, ARRAY[1.0], ARRAY['c']
      FROM generate_series(1, \(rows)) i
      """)
    try await connection.query(
      """
      INSERT INTO idempotency_keys (tenant_id, key, operation, created_at)
      SELECT \(tenant.rawValue), 'k' || i, 'POST /x', now() - interval '30 days' - make_interval(secs => i)
      FROM generate_series(1, \(rows / 3)) i
      """)
  }

  private func left(_ domain: TestDomain, _ tenant: TenantID) async throws -> Int {
    try await domain.asOwner { connection in
      try await connection.query(
        """
        SELECT (SELECT count(*) FROM labels WHERE tenant_id = \(tenant.rawValue))
             + (SELECT count(*) FROM predictions WHERE tenant_id = \(tenant.rawValue))
             + (SELECT count(*) FROM idempotency_keys WHERE tenant_id = \(tenant.rawValue))
        """
      ).first?.decode(Int.self) ?? -1
    }
  }

  /// The number of rows and index entries that have been read in the tables so far.
  private func work(_ domain: TestDomain) async throws -> Int {
    try await domain.asOwner { connection in
      // Sessions report their statistics when they end, at the latest. Those of the fixture have to end first, and those of
      // the pool if it is closed.
      try await eventually {
        let others = try await connection.query(
          """
          SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            AND backend_type = 'client backend' AND pid <> pg_backend_pid()
          """
        ).first?.decode(Int.self)
        return others == domain.database.pool.statistics().open
      }
      return try await connection.query(
        """
        SELECT (SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables)::bigint
             + (SELECT coalesce(sum(idx_tup_read + idx_tup_fetch), 0) FROM pg_stat_user_indexes)::bigint
        """
      ).first?.decode(Int.self) ?? 0
    }
  }

  private func expectLittleWork(_ domain: TestDomain, since before: Int) async throws {
    await domain.database.pool.close()
    let read = try await work(domain) - before
    #expect(read < 30 * Self.rows, "\(read) reads for \(Self.rows) rows")
  }
}
