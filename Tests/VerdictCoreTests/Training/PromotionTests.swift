import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing

@testable import JobQueue
@testable import VerdictCore

/// Tests of the active model over real trainings: policies, comparisons on the same rows, pins, and the history.
@Suite struct PromotionTests {
  @Test func `a model of few rows does not stay beside one of many`() async throws {
    try await PromotionFixture.with(Activation(policy: .best, metric: .rocAUC)) { fixture in
      try await fixture.domain.post(x: [-2, -1, 1, 2], fixture.tenant)
      try await fixture.train()
      #expect(try await fixture.kpi(.rocAUC, 1) == 1)
      try await fixture.postNoisy(401)
      try await fixture.train { $0.c = 0.3 }
      #expect(try #require(try await fixture.kpi(.rocAUC, 2)) < 0.95)
      #expect(try await fixture.active() == 2)
      let comparison = try #require(try await fixture.model(2).comparison)
      #expect(comparison.champion == 1 && comparison.isNotWorse && comparison.margin == 0.02)
      #expect((80...82).contains(comparison.result.rows), "both were measured on the new held-out rows")
      let difference = try #require(comparison.result[.rocAUC]?.difference)
      #expect(abs(difference) < 0.02, "the parameters hardly differ, whatever rows the KPIs are of")
    }
  }

  @Test func `a model of a relation that turned round does not stay`() async throws {
    try await PromotionFixture.with(Activation(policy: .best, metric: .rocAUC)) { fixture in
      try await fixture.domain.post(x: (0..<60).map { Double($0 % 11) - 5.1 }, fixture.tenant)
      try await fixture.train()
      #expect(try #require(try await fixture.kpi(.rocAUC, 1)) > 0.99)
      try await fixture.postNoisy(800, reversed: true)
      try await fixture.train { $0.c = 0.3 }
      #expect(try #require(try await fixture.kpi(.rocAUC, 2)) < 0.9)
      #expect(try await fixture.active() == 2)
    }
  }

  @Test func `worse parameters stay behind unless the margin covers the difference`() async throws {
    try await PromotionFixture.with(Activation(policy: .best, metric: .logLoss)) { fixture in
      try await fixture.postNoisy(400)
      try await fixture.train()
      try await fixture.train { $0.c = 1e-9 }
      #expect(try await fixture.active() == 1)
      let comparison = try #require(try await fixture.model(2).comparison)
      #expect(!comparison.isNotWorse && comparison.metric == .logLoss)
      #expect(try #require(comparison.result[.logLoss]?.interval).low > 0.02)
      // The parameters of the active model are those of the next one: the two fits are the same.
      try await fixture.train { $0.seed = 4 }
      #expect(try await fixture.active() == 3)
      #expect(try await fixture.model(3).comparison == nil)
      try await fixture.change { $0.settings.activation.margin = 1 }
      try await fixture.train { $0.c = 1e-9 }
      #expect(try await fixture.active() == 4)
      let entries = try await fixture.history()
      #expect(entries.map(\.version) == [4, 3, 1] && entries.map(\.previousVersion) == [3, 1, nil])
      #expect(entries.allSatisfy { $0.reason == "best" && !$0.isPinned })
      #expect(entries[0].comparison.map { Array($0.result.differences.keys) } == [.logLoss])
      #expect(entries[1].comparison == nil)
      let jobs = try await fixture.jobs().filter { $0.state == .succeeded }.map(\.id)
      #expect(entries.map(\.promoter) == [0, 1, 3].map { Promotion.Promoter.training(Int(jobs[$0])) })
    }
  }

  @Test func `a rule and an active model that changed during the training decide`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(200)
      try await fixture.train { $0.c = 1e-9 }
      try await fixture.train()
      try await fixture.train {
        $0.c = 0.5
      } meanwhile: {
        try await fixture.change { $0.settings.activation = Activation(policy: .best, metric: .logLoss) }
        _ = try await fixture.domain.models.activate(fixture.tenant, dataset: "d", version: 1)
      }
      #expect(try await fixture.active() == 3)
      #expect(try await fixture.model(3).comparison?.champion == 1)
      try await fixture.train {
        $0.c = 0.7
      } meanwhile: {
        _ = try await fixture.domain.models.activate(fixture.tenant, dataset: "d", version: 2, pinned: true)
      }
      #expect(try await fixture.active() == 2)
      #expect(try await fixture.model(4).comparison == nil, "nothing is fitted beside a pinned model")
    }
  }

  @Test func `a manual policy serves nothing until a promotion`() async throws {
    try await PromotionFixture.with(Activation(policy: .manual, metric: nil)) { fixture in
      try await fixture.change { $0.settings.modelsKept = 2 }
      try await fixture.postNoisy(60)
      for seed in 0..<3 { try await fixture.train { $0.seed = UInt64(seed) } }
      #expect(try await fixture.active() == nil)
      #expect(try await fixture.versions() == [3, 2])
      let served = try await ServedDatasets(database: fixture.domain.database).served(
        fixture.tenant, named: "d")
      #expect(throws: DomainError.self) { try served.admittedModel() }
      #expect(try await fixture.history().isEmpty)
      let activated = try await fixture.domain.models.activate(fixture.tenant, dataset: "d", version: 2)
      #expect(activated.isActive && !activated.isPinned)
      try await fixture.train()
      #expect(try await fixture.active() == 2)
      #expect(try await fixture.versions() == [4, 2])
      #expect(try await fixture.history().map(\.version) == [2])
    }
  }

  @Test func `a pinned model holds until it is released`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.change { $0.settings.modelsKept = 1 }
      try await fixture.postNoisy(60)
      try await fixture.train()
      let pinned = try await fixture.domain.models.activate(
        fixture.tenant, dataset: "d", version: 1, pinned: true)
      #expect(pinned.isPinned)
      for _ in 0..<3 { try await fixture.train() }
      #expect(try await fixture.active() == 1)
      #expect(try await fixture.versions() == [4, 1], "neither the pinned one nor the newest one goes")
      #expect(try await fixture.model(1).summary.isPinned)
      #expect(try await !fixture.model(4).summary.isPinned)
      // The same once more changes nothing and adds nothing.
      _ = try await fixture.domain.models.activate(fixture.tenant, dataset: "d", version: 1, pinned: true)
      _ = try await fixture.domain.models.activate(fixture.tenant, dataset: "d", version: 1)
      try await fixture.train()
      #expect(try await fixture.active() == 5)
      let entries = try await fixture.history()
      #expect(
        entries.map(\.version) == [5, 1, 1, 1] && entries.map(\.isPinned) == [false, false, true, false])
      #expect(entries.map(\.reason) == ["newest", "manual", "manual", "newest"])
      #expect(entries[1].promoter == .actor(.commandLine))
      let page = try await fixture.promotions.list(
        fixture.tenant, dataset: "d", before: entries[1].id, limit: 1)
      #expect(page == [entries[2]])
    }
  }

  @Test func `a server that knows no pins ends one by another activation`() async throws {
    try await PromotionFixture.with(.newest) { fixture in
      try await fixture.postNoisy(60)
      try await fixture.train()
      try await fixture.train()
      _ = try await fixture.domain.models.activate(fixture.tenant, dataset: "d", version: 1, pinned: true)
      _ = try await fixture.domain.asOwner { try await $0.query("UPDATE datasets SET active_version = 2") }
      #expect(try await !fixture.model(1).summary.isPinned)
      #expect(try await !fixture.model(2).summary.isPinned)
      try await fixture.train()
      #expect(try await fixture.active() == 3)
    }
  }
}

/// A dataset with a policy, and the steps of a worker one by one.
struct PromotionFixture: Sendable {
  let domain: TestDomain
  let tenant: TenantID
  let dataset: Int

  static func with(_ activation: Activation, _ body: (PromotionFixture) async throws -> Void) async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant) { $0.settings.activation = activation }
      try await body(PromotionFixture(domain: domain, tenant: tenant, dataset: dataset.id))
    }
  }

  var promotions: PromotionStore { PromotionStore(database: domain.database) }

  /// Posts labels whose outcome follows `x`, or its opposite, for about four in five.
  func postNoisy(_ count: Int, reversed: Bool = false) async throws {
    var x: [Double] = []
    var turned: Set<Double> = []
    for row in 0..<count {
      let step: Int = (row * 37 + row / 7) % 101
      let value: Double = Double(step) / 25 - 2 + Double(row) * 1e-6
      x.append(value)
      if (row * 61 + 13 + row / 5) % 5 == 0 { turned.insert(value) }
    }
    let isTurned = turned
    try await domain.post(x: x, label: { ($0 > 0) != (reversed != isTurned.contains($0)) }, tenant)
  }

  func change(_ edit: @Sendable (inout DatasetChange) -> Void) async throws {
    _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
      var change = DatasetChange(of: dataset)
      edit(&change)
      return change
    }
  }

  /// Queues and runs a training, and calls `meanwhile` after its labels have been read.
  func train(
    _ change: (inout TrainingParameters) -> Void = { _ in }, meanwhile: () async throws -> Void = {}
  ) async throws {
    var parameters = TrainingParameters()
    change(&parameters)
    let wanted = parameters
    _ = try await domain.database.transaction(for: tenant) { tx in
      try await domain.queue.enqueue(
        NewJob(
          tenant: tenant.rawValue, subject: Int64(dataset), origin: "manual",
          parameters: try JSONB(wanted)), in: tx)
    }
    let lease = try #require(try await domain.queue.claim(worker: "w"))
    let runner = TrainingRunner(
      database: domain.database, autoTraining: domain.autoTraining, cache: LabelCache(bytes: 0),
      logger: domain.logger)
    let context = JobContext(control: JobControl(lease), queue: domain.queue)
    let data = try await runner.read(context)
    try await meanwhile()
    try await runner.train(on: data, context)
  }

  func active() async throws -> Int? {
    try await domain.datasets.summary(tenant, named: "d").activeModel?.version
  }

  func model(_ version: Int) async throws -> ModelRecord {
    try await domain.models.model(tenant, dataset: "d", version: version)
  }

  func kpi(_ metric: Metric, _ version: Int) async throws -> Double? {
    try await model(version).summary.kpis[metric]
  }

  func versions() async throws -> [Int] {
    try await domain.models.list(tenant, dataset: "d", before: nil, limit: 100).map(\.version)
  }

  func history() async throws -> [Promotion] {
    try await promotions.list(tenant, dataset: "d", before: nil, limit: 100)
  }

  /// All jobs, newest first.
  func jobs() async throws -> [Job] {
    try await domain.trainings.list(tenant, dataset: "d", before: nil, limit: 100)
  }
}
