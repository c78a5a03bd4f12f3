import DomainTestSupport
import PostgreSQL
import RowFormats
import Testing

@testable import VerdictCore

/// What predictions share with each other in the database, and what they must not.
@Suite struct PredictionTransactionTests {
  /// Groups of many tenants' single predictions commit together: none of them may wait for a large batch to end.
  @Test func singlePredictionsDoNotWaitForALargeBatch() async throws {
    try await TestDomain.with { domain in
      let (tenant, service, row) = try await predicting(domain)
      try await domain.database.transaction(for: tenant) { tx in
        _ = try await service.predict(tenant, dataset: "d", storing: .within(tx)) { _ in try row(1_000) }
        for _ in 0..<20 {
          // In a transaction of their own, which ends while the other one is open.
          _ = try await service.predict(tenant, dataset: "d", storing: .committed) { _ in try row(1) }
        }
      }
      let counts = try await domain.asOwner { connection in
        try await connection.query("SELECT shard, stored FROM prediction_counts ORDER BY shard").map {
          try $0.decode(Int16.self, Int.self)
        }
      }
      // Half of the rows are for groups of single predictions, half for batches, whichever process stores them.
      #expect(counts.filter { $0.0 < 8 }.map(\.1).reduce(0, +) == 20)
      #expect(counts.filter { $0.0 >= 8 }.map(\.1).reduce(0, +) == 1_000)
    }
  }

  /// A request that has a transaction asks the database in it: with one connection in all, a second could never be had.
  @Test(.timeLimit(.minutes(1)))
  func aRequestUsesOneConnection() async throws {
    try await TestDomain.with(connections: 1) { domain in
      let (tenant, service, row) = try await predicting(domain)
      // Nobody listens to announcements here, so that each use compares the dataset with the database.
      let answers = try await domain.database.transaction(for: tenant) { tx in
        try await service.predict(tenant, dataset: "d", storing: .nowhere(asking: tx)) { _ in try row(3) }
      }
      #expect(answers.count == 3)
      #expect(answers.ids.isEmpty)
    }
  }

  private func predicting(
    _ domain: TestDomain
  ) async throws -> (TenantID, PredictionService, @Sendable (Int) throws -> RowBatch) {
    let tenant = try await domain.tenant()
    let dataset = try await domain.dataset(tenant)
    try await domain.post(x: (0..<60).map { Double($0) - 30 }, tenant)
    try await domain.train(tenant)
    let service = PredictionService(
      database: domain.database, served: ServedDatasets(database: domain.database),
      writer: PredictionWriter(database: domain.database))
    let reader = PredictionReader(schema: dataset.schema)
    return (
      tenant, service,
      { count in
        let rows = Array(repeating: #"{"features":{"x":1}}"#, count: count).joined(separator: ",")
        return try reader.readBatch(Array("{\"predictions\":[\(rows)]}".utf8))
      }
    )
  }
}
