import DomainTestSupport
import PostgreSQL
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of the locks and connections that predictions take in the database.
@Suite struct PredictionTransactionTests {
  /// Single predictions of many tenants commit together, so none of them may wait for the end of a large batch.
  @Test func `single predictions do not wait for a large batch`() async throws {
    try await TestDomain.with { domain in
      let (tenant, service, row) = try await predicting(domain)
      try await domain.database.transaction(for: tenant) { tx in
        _ = try await service.predict(tenant, dataset: "d", storing: .within(tx)) { _ in try row(1_000) }
        for _ in 0..<20 {
          // Each commits in a transaction of its own while the batch's transaction is open.
          _ = try await service.predict(tenant, dataset: "d", storing: .committed) { _ in try row(1) }
        }
      }
      let counts = try await domain.asOwner { connection in
        try await connection.query("SELECT shard, stored FROM prediction_counts ORDER BY shard").map {
          try $0.decode(Int16.self, Int.self)
        }
      }
      // Half of the shards are reserved for single predictions and half for batches, in every process.
      #expect(counts.filter { $0.0 < 8 }.map(\.1).reduce(0, +) == 20)
      #expect(counts.filter { $0.0 >= 8 }.map(\.1).reduce(0, +) == 1_000)
    }
  }

  /// A request that has a transaction runs all its queries in it. With a pool of one, a second connection would never
  /// be available.
  @Test(.timeLimit(.minutes(10)))
  func `a request uses one connection`() async throws {
    try await TestDomain.with(connections: 1) { domain in
      let (tenant, service, row) = try await predicting(domain)
      // No listener receives notifications here, so each use compares the dataset with the database.
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
