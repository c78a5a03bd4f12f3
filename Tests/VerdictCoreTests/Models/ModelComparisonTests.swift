import DomainTestSupport
import Learning
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of the comparison of stored models on request.
@Suite struct ModelComparisonTests {
  @Test func `both versions are measured on the same rows`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(500)
      try await fixture.train { $0.c = 1e-9 }
      try await fixture.train { $0.validation = .kfold(folds: 4) }
      let comparisons = ModelComparisons(database: fixture.domain.database)
      let found = try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
      #expect(found.rowsUsed == 500 && !found.isSampled && found.validation == .kfold(folds: 4))
      #expect(found.result.rows == 500, "each fold was measured")
      let loss = try #require(found.result[.logLoss])
      let stored = try #require(try await fixture.kpi(.logLoss, 2))
      #expect(abs(try #require(loss.challenger) - stored) < 1e-6)
      #expect(try #require(loss.interval).high < 0 && (loss.pValue ?? 1) < 0.001)
      // Another server, since the first one pauses after a comparison that took long.
      let others = ModelComparisons(database: fixture.domain.database)
      let turned = try await others.compare(fixture.tenant, dataset: "d", champion: 2, challenger: 1)
      #expect(turned.result.rows == 100 && (turned.result[.logLoss]?.difference ?? 0) > 0)
    }
  }

  @Test func `a result is kept until labels change`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(60)
      try await fixture.train()
      try await fixture.train { $0.c = 2 }
      let comparisons = ModelComparisons(database: fixture.domain.database)
      let first = try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
      // Without its labels, only a kept result can be returned.
      _ = try await fixture.domain.asOwner { try await $0.query("DELETE FROM labels WHERE id % 2 = 0") }
      let kept = try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
      #expect(kept.rowsUsed == 60 && kept.result == first.result)
      try await fixture.postNoisy(100)
      let next = try await eventuallyAnother(comparisons, fixture, than: 60)
      #expect(next == 130)
    }
  }

  /// The number of rows of a comparison that is not the kept one, which answers for a while if it took long.
  private func eventuallyAnother(
    _ comparisons: ModelComparisons, _ fixture: PromotionFixture, than rows: Int
  ) async throws -> Int? {
    for _ in 0..<400 {
      let found = try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
      if found.rowsUsed != rows { return found.rowsUsed }
      try await Task.sleep(for: .milliseconds(200))
    }
    return nil
  }

  @Test func `little memory is answered with a sample`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(3_000)
      try await fixture.train()
      try await fixture.train { $0.c = 2 }
      let comparisons = ModelComparisons(database: fixture.domain.database)
      let memory = RequestMemory(limit: 1 << 20)
      let found = try await RequestMemory.$current.withValue(memory) {
        try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
      }
      #expect(found.isSampled && (800...1_200).contains(found.rowsUsed), "\(found.rowsUsed)")
      #expect(memory.taken == 0 && memory.peak > 0 && memory.peak <= 1 << 19)
    }
  }

  @Test func `unknown versions and too few labels are refused`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(40)
      try await fixture.train()
      try await fixture.train { $0.c = 2 }
      let comparisons = ModelComparisons(database: fixture.domain.database)
      for (champion, challenger) in [(1, 9), (9, 2)] {
        await #expect(throws: DomainError.self) {
          try await comparisons.compare(
            fixture.tenant, dataset: "d", champion: champion, challenger: challenger)
        }
      }
      let other = try await fixture.domain.tenant("other")
      await #expect(throws: DomainError.self) {
        try await comparisons.compare(other, dataset: "d", champion: 1, challenger: 2)
      }
      var all = LabelFilter()
      all.all = true
      _ = try await fixture.domain.labels.delete(fixture.tenant, dataset: "d", where: all)
      let error = await #expect(throws: DomainError.self) {
        try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
      }
      guard case .tooFewLabels? = error else {
        Issue.record("\(error as Any)")
        return
      }
    }
  }

  @Test func `a server with many comparisons refuses another one`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(40)
      try await fixture.train()
      try await fixture.train { $0.c = 2 }
      let turns = ModelTurns(limit: 1, patience: .milliseconds(50))
      let comparisons = ModelComparisons(database: fixture.domain.database, turns: turns)
      try await turns.withTurn(for: TenantID(rawValue: 99), .request) {
        _ = await #expect(throws: ModelComparisons.Busy.self) {
          try await comparisons.compare(fixture.tenant, dataset: "d", champion: 1, challenger: 2)
        }
      }
    }
  }
}
