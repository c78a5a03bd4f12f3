import DomainTestSupport
import PostgreSQL
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of predictions that arrive faster than the database stores them.
@Suite struct OverloadTests {
  @Test(.timeLimit(.minutes(10)))
  func `predictions beyond the queue's capacity are refused and the others are stored`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant)
      try await domain.post(x: (0..<60).map { Double($0) - 30 }, tenant)
      try await domain.train(tenant)
      let writer = PredictionWriter(database: domain.database, capacity: 10)
      let service = PredictionService(
        database: domain.database, served: ServedDatasets(database: domain.database), writer: writer)
      let row = try PredictionReader(schema: dataset.schema).readOne(Array(#"{"features":{"x":1}}"#.utf8))
      let outcomes: [Bool] = try await domain.asOwner { blocker in
        // No prediction can be stored while the dataset's row is locked.
        try await blocker.query("BEGIN")
        try await blocker.query("SELECT 1 FROM datasets FOR UPDATE")
        return try await withThrowingTaskGroup(of: Bool.self) { group in
          for _ in 0..<50 {
            group.addTask {
              do {
                _ = try await service.predict(tenant, dataset: "d", storing: .committed) { _ in row }
                return true
              } catch is PredictionWriter.Overloaded {
                return false
              }
            }
          }
          var turnedAway = 0
          var outcomes: [Bool] = []
          for try await outcome in group {
            outcomes.append(outcome)
            if !outcome { turnedAway += 1 }
            // These were refused at once while storing was blocked. The commit unblocks it.
            if turnedAway == 20 {
              turnedAway += 1
              try await blocker.query("COMMIT")
            }
          }
          return outcomes
        }
      }
      let stored = outcomes.count { $0 }
      #expect(stored >= 10)
      #expect(outcomes.count == 50)
      let rows = try await domain.asOwner { connection in
        try await connection.query("SELECT count(*) FROM predictions").first?.decode(Int.self)
      }
      #expect(rows == stored)
      #expect(writer.waitingRows == 0)
    }
  }
}
