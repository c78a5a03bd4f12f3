import DomainTestSupport
import Foundation
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of the quota on the bytes of stored results, which are kept for idempotent replays.
@Suite struct StoredResultQuotaTests {
  private func store(
    _ bytes: Int, under key: String, _ tenant: TenantID, _ domain: TestDomain
  ) async throws {
    let request = IdempotentRequest(key: key, operation: "POST /x", bodyHash: Data([1]))
    try await domain.database.transaction(for: tenant) { tx in
      _ = try await Idempotency.begin(tenant, request, in: tx)
      try await Idempotency.complete(
        tenant, request,
        result: StoredResult(code: 201, metadata: [:], body: Data(repeating: 7, count: bytes)), in: tx)
    }
  }

  private func used(_ tenant: TenantID, _ domain: TestDomain) async throws -> Int? {
    try await UsageStore(database: domain.database).usage(tenant).used[.answerBytes]
  }

  /// The actual size of all stored results, including their fixed overhead.
  private func actualBytes(_ domain: TestDomain) async throws -> Int? {
    try await domain.asOwner {
      try await $0.query(
        "SELECT coalesce(sum(octet_length(body) + octet_length(operation) + 1000), 0)::bigint FROM idempotency_keys"
      ).first?.decode(Int.self)
    }
  }

  private func backdate(_ domain: TestDomain, keysLike keys: String) async throws {
    try await domain.asOwner {
      _ = try await $0.query(
        "UPDATE idempotency_keys SET created_at = now() - interval '25 hours' WHERE key LIKE \(keys)")
    }
  }

  @Test func `stored results stay within the limit and expire`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let other = try await domain.tenant("other")
      try await domain.limit(tenant, .answerBytes, 50_000)
      try await store(100_000, under: "k", other, domain)
      for number in 0..<4 { try await store(10_000, under: "k\(number)", tenant, domain) }
      #expect(try await used(tenant, domain) == 4 * 11_007)
      await #expect(throws: DomainError.quotaExceeded(.answerBytes, maximum: 50_000, present: 44_028)) {
        try await store(10_000, under: "k9", tenant, domain)
      }
      // The refused request has stored nothing.
      #expect(try await used(tenant, domain) == 4 * 11_007)
      // An expired result's bytes are free for a new one under the same key even before maintenance runs.
      try await backdate(domain, keysLike: "k0")
      try await store(15_000, under: "k0", tenant, domain)
      #expect(try await used(tenant, domain) == 3 * 11_007 + 16_007)
      try await backdate(domain, keysLike: "k%")
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      #expect(try await used(tenant, domain) == 0)
      #expect(try await used(other, domain) == 0)
      try await store(10_000, under: "k9", tenant, domain)
      #expect(try await used(tenant, domain) == actualBytes(domain))
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `the count is exact under concurrent writes`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<8 {
          group.addTask {
            for number in 0..<20 {
              try await store(100 * number, under: "\(writer)-\(number)", tenant, domain)
            }
          }
        }
        group.addTask {
          for _ in 0..<10 {
            try await backdate(domain, keysLike: "%5")
            try await Maintenance(database: domain.database, logger: domain.logger).maintain()
          }
        }
        try await group.waitForAll()
      }
      #expect(try await used(tenant, domain) == actualBytes(domain))
    }
  }

  /// More expired results than one step deletes.
  @Test(.timeLimit(.minutes(10)))
  func `many expired results are deleted in steps`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.asOwner {
        _ = try await $0.query(
          """
          INSERT INTO idempotency_keys (tenant_id, key, operation, body_hash, status, headers, body, created_at)
          SELECT \(tenant.rawValue), 'k' || n, 'POST /x', '', 201, '{}', '', now() - interval '25 hours'
          FROM generate_series(1, \(2 * Idempotency.rowsPerStep + 5)) n
          """)
      }
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      #expect(try await actualBytes(domain) == 0)
      #expect(try await used(tenant, domain) == 0)
    }
  }
}
