import DomainTestSupport
import Foundation
import PostgreSQL
import Testing

@testable import VerdictCore

/// Stress test: fifty concurrent tasks post, replace, correct and delete rows in every possible way, and delete the
/// dataset now and then. The counts must equal those of the remaining rows.
@Suite struct CountStressTests {
  @Test(.timeLimit(.minutes(10)))
  func `counts are exact after concurrent changes of every kind`() async throws {
    try await TestDomain.with(connections: 16) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<50 {
          group.addTask {
            for round in 0..<10 {
              do {
                try await change(worker, round, domain, tenant)
              } catch DomainError.notFound, DomainError.nameTaken, DomainError.stillDeleted {
                // Another task has deleted the row or the dataset, is writing to the deleted one, or has created it anew.
              }
            }
          }
        }
        try await group.waitForAll()
      }
      do { try await domain.dataset(tenant) } catch DomainError.nameTaken {}
      try await domain.post(x: [1, -1], tenant)
      try await check(domain, tenant)

      // Maintenance removes the rows of deleted datasets and nothing else.
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      try await check(domain, tenant)
      let left = try await domain.asOwner { connection in
        try await connection.query(
          """
          SELECT (SELECT count(*) FROM datasets), (SELECT count(DISTINCT dataset_id) FROM labels),
                 (SELECT count(DISTINCT dataset_id) FROM label_counts)
          """
        ).first?.decode(Int.self, Int.self, Int.self)
      }
      #expect(left.map { [$0.0, $0.1, $0.2] } == [1, 1, 1])
    }
  }

  private func change(_ worker: Int, _ round: Int, _ domain: TestDomain, _ tenant: TenantID) async throws {
    func delete(_ condition: (inout LabelFilter) -> Void) async throws {
      var filter = LabelFilter()
      condition(&filter)
      _ = try await domain.labels.delete(tenant, dataset: "d", where: filter)
    }
    switch (worker * 7 + round * 3) % 20 {
    case 0..<5: try await domain.post(x: (0..<20).map { Double($0 - 10) }, tenant)
    case 5..<9:
      // Upserts with random signs change the outcome of existing rows.
      let keys = (0..<20).map { "k\($0)" }.shuffled()
      try await domain.post(x: keys.map { _ in .random(in: -5...5) }, keys: keys, tenant)
    case 9, 10: try await delete { $0.ids = (1...300).map { _ in .random(in: 1...5_000) } }
    case 11: try await delete { $0.keys = (0..<10).map { "k\($0)" }.shuffled() }
    case 12: try await delete { $0.source = .prediction }
    case 13: try await delete { $0.source = worker == 13 ? .api : .prediction }
    case 14: try await delete { $0.createdBefore = Date(timeIntervalSinceNow: -1) }
    case 15: if round == 5 { try await delete { $0.all = true } }
    case 16..<19:
      let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 5)
      for label in labels.shuffled() {
        _ = try await domain.labels.change(tenant, dataset: "d", id: label.id) { _, label in
          var label = label
          label.label.toggle()
          return label
        }
      }
    default:
      try await domain.datasets.delete(tenant, named: "d")
      try await domain.dataset(tenant)
    }
  }

  /// Compares the counts of each dataset, including deleted ones, with its rows.
  private func check(_ domain: TestDomain, _ tenant: TenantID) async throws {
    let wrong = try await domain.asOwner { connection in
      try await connection.query(
        """
        SELECT d.id, c.positives, c.negatives, r.positives, r.negatives FROM datasets d,
          LATERAL (SELECT coalesce(sum(positives), 0)::bigint AS positives,
                          coalesce(sum(negatives), 0)::bigint AS negatives
                   FROM label_counts WHERE dataset_id = d.id) c,
          LATERAL (SELECT count(*) FILTER (WHERE label) AS positives,
                          count(*) FILTER (WHERE NOT label) AS negatives
                   FROM labels WHERE dataset_id = d.id) r
        WHERE (c.positives, c.negatives) <> (r.positives, r.negatives)
        """
      ).map {
        let (id, a, b, c, d) = try $0.decode(Int.self, Int.self, Int.self, Int.self, Int.self)
        return [id, a, b, c, d]
      }
    }
    #expect(wrong == [], "dataset, counted 1 and 0, stored 1 and 0")
    let shown = try await domain.counts(tenant)
    let dataset = try await domain.datasets.dataset(tenant, named: "d")
    let stored = try await domain.asOwner { connection in
      try await connection.query("SELECT count(*) FROM labels WHERE dataset_id = \(dataset.id)")
        .first?.decode(Int.self)
    }
    #expect(shown.stored == stored)
  }
}
