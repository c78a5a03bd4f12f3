import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of the counts of predictions without a known outcome, on stored predictions.
@Suite struct UnknownOutcomesTests {
  /// A dataset with a model, and predictions of it.
  private struct Bench {
    let domain: TestDomain
    let tenant: TenantID
    let dataset: Int

    init(_ domain: TestDomain) async throws {
      self.domain = domain
      tenant = try await domain.tenant()
      dataset = try await domain.dataset(tenant).id
      try await domain.post(x: (0..<60).map { Double($0 * 7 % 11) - 5 }, tenant)
      try await domain.train(tenant)
    }

    /// Stores predictions that are so many days old.
    func predict(_ count: Int, _ decision: Bool, daysAgo days: Int = 0, version: Int = 1) async throws
      -> [UUID]
    {
      let ids = UUID.version7(count: count)
      try await domain.asOwner { connection in
        _ = try await connection.query(
          """
          INSERT INTO predictions (tenant_id, dataset_id, id, created_at, model_version, label, probability, threshold,
                                   numbers, categories)
          SELECT \(tenant), \(dataset), id, now() - make_interval(days => \(Int32(days))), \(Int32(version)), \(decision),
                 \(decision ? 0.75 : 0.25)::float8, 0.5, ARRAY[1.0], ARRAY['small']
          FROM unnest(\(ids)::uuid[]) id
          """)
      }
      return ids
    }

    func label(_ ids: some Sequence<UUID>, _ outcome: Bool) async throws {
      let statements = ids.map { Feedback.Statement(id: $0, trueLabel: outcome) }
      _ = try await domain.database.transaction(for: tenant) { tx in
        try await domain.feedback.label(tenant, dataset: "d", in: tx, reading: { _ in statements }) { _ in
          DomainError.notFound(what: "prediction")
        }
      }
    }

    func live(since: Date? = nil) async throws -> LiveKPIs {
      try await LiveKPIStore(database: domain.database).kpis(tenant, dataset: "d", version: 1, since: since)
    }

    func unknown(_ period: UnknownOutcomes.Period = .init(), atMost most: Int = 1_000) async throws
      -> UnknownOutcomes
    {
      try await domain.database.read(for: tenant) {
        try await UnknownOutcomes(tenant, dataset: dataset, version: 1, period, atMost: most, in: $0)
      }
    }

    func set(_ change: @Sendable (inout DatasetSettings) -> Void) async throws {
      _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var patch = DatasetChange(of: dataset)
        change(&patch.settings)
        return patch
      }
    }
  }

  @Test func `unlabelled predictions of a version are counted by decision`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Bench(domain)
      let (ones, zeros) = (try await bench.predict(6, true), try await bench.predict(10, false))
      _ = try await bench.predict(3, true, version: 2)
      try await bench.label(ones.prefix(4), true)
      try await bench.label(zeros.prefix(2), false)
      let live = try await bench.live()
      #expect(live.unlabelled == DecisionCounts(zeros: 8, ones: 2))
      #expect(live.tooYoung == DecisionCounts())
      #expect(live.reason == nil)
      #expect(live.kpis.confusionMatrix.total == 6)
      // New predictions and removed labels change the counts at once.
      _ = try await bench.predict(1, true)
      try await bench.label([zeros[0]], true)
      #expect(try await bench.live().unlabelled == DecisionCounts(zeros: 8, ones: 3))
      try await bench.domain.feedback.removeLabel(bench.tenant, dataset: "d", prediction: zeros[0])
      #expect(try await bench.live().unlabelled == DecisionCounts(zeros: 9, ones: 3))
    }
  }

  @Test func `young predictions do not count as unknown`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Bench(domain)
      let old = try await bench.predict(5, false, daysAgo: 10)
      let young = try await bench.predict(7, false, daysAgo: 3)
      let ones = try await bench.predict(4, true, daysAgo: 3)
      try await bench.set { $0.outcomeAfterDays = 7 }
      // Nothing is known of decision 0, and that some of it is young opens nothing.
      try await bench.label(ones, true)
      var live = try await bench.live()
      #expect(live.unlabelled == DecisionCounts(zeros: 5) && live.tooYoung == DecisionCounts(zeros: 7))
      #expect(live.kpis[.recall] == nil && live.kpis[.precision] == 1)
      #expect(live.reason == "no outcome is known of 12 predictions that were decided 0")
      try await bench.label(old, false)
      live = try await bench.live()
      #expect(live.unlabelled == DecisionCounts() && live.tooYoung == DecisionCounts(zeros: 7))
      #expect(live.kpis[.accuracy] == 1 && live.reason == nil)
      // An outcome that is known counts, however young its prediction is.
      try await bench.label(young.prefix(1), true)
      live = try await bench.live()
      #expect(live.tooYoung == DecisionCounts(zeros: 6))
      #expect(live.kpis[.accuracy] == 0.9)
    }
  }

  @Test func `only cases since a time are measured`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Bench(domain)
      let old = try await bench.predict(8, false, daysAgo: 20)
      let new = try await bench.predict(6, false, daysAgo: 2)
      let ones = try await bench.predict(5, true)
      try await bench.label(old.prefix(4), true)
      try await bench.label(new.prefix(3), false)
      try await bench.label(ones, true)
      let since = Date().addingTimeInterval(-10 * 86_400)
      var live = try await bench.live(since: since)
      #expect(live.since == since)
      #expect(live.unlabelled == DecisionCounts(zeros: 3))
      #expect(live.kpis.confusionMatrix.total == 8 && live.kpis[.accuracy] == 1)
      live = try await bench.live()
      #expect(live.unlabelled == DecisionCounts(zeros: 7))
      #expect(live.kpis.confusionMatrix.total == 12)
      // A case that happened at another time than its row came counts at that time.
      _ = try await bench.domain.asOwner { connection in
        try await connection.query(
          """
          WITH moved AS (
            UPDATE predictions SET occurred_at = now() - interval '30 days' WHERE id = ANY(\(Array(new))) RETURNING id)
          UPDATE labels SET occurred_at = now() - interval '30 days' FROM moved WHERE prediction_id = moved.id
          """)
      }
      live = try await LiveKPIStore(database: domain.database).kpis(
        bench.tenant, dataset: "d", version: 1, since: since)
      #expect(live.unlabelled == DecisionCounts() && live.kpis.confusionMatrix.total == 5)
    }
  }

  /// Otherwise the labelled predictions of one decision would pass for all when the unlabelled ones of the other expire.
  @Test func `expired predictions stay unknown, and deleted ones are forgotten`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Bench(domain)
      let zeros = try await bench.predict(9, false, daysAgo: 40)
      let ones = try await bench.predict(4, true, daysAgo: 40)
      try await bench.label(ones, true)
      try await bench.label(zeros.prefix(1), false)
      let before = try await bench.live()
      #expect(before.unlabelled == DecisionCounts(zeros: 8))
      try await bench.set { $0.predictionsKeptDays = 30 }
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      let left = try await domain.asOwner {
        try await $0.query("SELECT count(*) FROM predictions").single().decode(Int.self)
      }
      #expect(left == 0)
      // Another process: nothing is kept in its memory.
      let after = try await bench.live()
      #expect(after.unlabelled == before.unlabelled)
      #expect(after.kpis == before.kpis)
      #expect(try await bench.live(since: Date().addingTimeInterval(-86_400)).unlabelled == DecisionCounts())
      let longAgo = Date().addingTimeInterval(-41 * 86_400)
      #expect(try await bench.live(since: longAgo).unlabelled == before.unlabelled)
      try await bench.set { $0.outcomeAfterDays = 100 }
      #expect(try await bench.live().tooYoung == before.unlabelled)
      try await bench.set { $0.outcomeAfterDays = nil }
      let gone = try await bench.predict(3, false)
      #expect(try await bench.live().unlabelled == DecisionCounts(zeros: 11))
      _ = try await domain.asOwner {
        try await $0.query("DELETE FROM predictions WHERE id = ANY(\(Array(gone)))")
      }
      #expect(try await bench.unknown().unlabelled == DecisionCounts(zeros: 8))
    }
  }

  @Test func `beyond the bound the newest predictions give the share of the decisions`() async throws {
    try await TestDomain.with { domain in
      let bench = try await Bench(domain)
      let old = try await bench.predict(100, true)
      let (zeros, ones) = (try await bench.predict(30, false), try await bench.predict(10, true))
      try await bench.label(old, true)
      try await bench.label(zeros.prefix(5), false)
      try await bench.label(ones.prefix(5), true)
      let matrix = ConfusionMatrix(truePositive: 105, falsePositive: 0, trueNegative: 5, falseNegative: 0)
      let all = try await bench.unknown()
      #expect(all.total(matrix) == DecisionCounts(zeros: 30, ones: 110))
      let newest = try await bench.unknown(atMost: 40)
      #expect(newest.unlabelled == DecisionCounts(zeros: 25, ones: 5))
      let total = newest.total(matrix)
      #expect(total == DecisionCounts(zeros: 315, ones: 105))
      try await domain.database.read(for: bench.tenant) { tx in
        let many = try await UnknownOutcomes.areMany(
          bench.tenant, dataset: bench.dataset, version: 1, than: 139, in: tx)
        let few = try await UnknownOutcomes.areMany(
          bench.tenant, dataset: bench.dataset, version: 1, than: 140, in: tx)
        #expect(many && !few)
      }
    }
  }
}
