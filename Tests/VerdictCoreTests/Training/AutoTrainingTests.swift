import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing

@testable import JobQueue
@testable import VerdictCore

/// Tests of automatic training: the changes that enqueue a job, and those that do not.
@Suite struct AutoTrainingTests {
  @Test func `enabling it or lowering the minimum enqueues a job for the pending labels`() async throws {
    try await TrainingFixture.with(.off) { fixture in
      try await fixture.post(20)
      #expect(try await fixture.waiting() == nil)
      try await fixture.set(AutoTrain(enabled: true, minNewLabels: 21, maxDelaySeconds: 0))
      #expect(try await fixture.waiting() == nil)
      try await fixture.set(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0))
      let job = try #require(try await fixture.waiting())
      #expect(job.runAt <= job.createdAt.addingTimeInterval(0.001))
      // A minimum above the pending number cancels the job.
      try await fixture.set(AutoTrain(enabled: true, minNewLabels: 21, maxDelaySeconds: 0))
      let ended = try #require(try await fixture.jobs().first)
      #expect(ended.id == job.id && ended.state == .cancelled && ended.error?.type == "cancelled")
    }
  }

  @Test func `a changed delay counts from the creation of the job`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 0)) {
      fixture in
      try await fixture.post(20)
      #expect(try await fixture.waiting() == nil)
      var ids: Set<Int64> = []
      for delay in [600, 60, 3_600] {
        try await fixture.set(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: delay))
        let job = try #require(try await fixture.waiting())
        #expect(abs(job.runAt.timeIntervalSince(job.createdAt) - Double(delay)) < 0.001)
        ids.insert(job.id)
      }
      #expect(ids.count == 1)
    }
  }

  @Test(arguments: [AutoTrain.off, AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 0)])
  func `disabling it or its delay cancels the waiting job`(policy: AutoTrain) async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 60)) {
      fixture in
      let job = try #require(try await fixture.post(20))
      try await fixture.set(policy)
      let ended = try #require(try await fixture.jobs().first)
      #expect(Int(ended.id) == job && ended.state == .cancelled)
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() == nil)
    }
  }

  @Test func `changed training parameters apply to the waiting job`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 1, maxDelaySeconds: 0)) { fixture in
      try await fixture.post(20)
      try await fixture.change { change in
        var training = TrainingParameters()
        training.seed = 77
        change.settings.training = training
      }
      let job = try #require(try await fixture.waiting())
      #expect(try job.parameters.decode(TrainingParameters.self).seed == 77)
    }
  }

  @Test func `two concurrent posts that reach the minimum only together enqueue a job`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 50, maxDelaySeconds: 0)) {
      fixture in
      try await fixture.domain.database.transaction(for: fixture.tenant) { tx in
        // Each adds to its own shard and then decides, as two concurrent posts do.
        try await tx.query(
          """
          INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
          VALUES (\(fixture.tenant), \(fixture.dataset), 0, 12, 13, 25)
          """)
        let counts = try await LabelCounting.counts(fixture.tenant, dataset: fixture.dataset, in: tx)
        let dataset = try await fixture.domain.datasets.dataset(fixture.tenant, named: "d", in: tx)
        #expect(
          try await fixture.domain.autoTraining.changed(fixture.tenant, dataset, counts: counts, in: tx)
            == nil)
        try await fixture.domain.database.transaction(for: fixture.tenant) { other in
          try await other.query(
            """
            INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
            VALUES (\(fixture.tenant), \(fixture.dataset), 1, 12, 13, 25)
            """)
          let counts = try await LabelCounting.counts(fixture.tenant, dataset: fixture.dataset, in: other)
          #expect(counts.changes == 25)
          #expect(
            try await fixture.domain.autoTraining.changed(fixture.tenant, dataset, counts: counts, in: other)
              == nil)
        }
      }
      #expect(try await fixture.waiting() == nil)
      try await fixture.enqueueMissed()
      let job = try #require(try await fixture.waiting())
      try await fixture.enqueueMissed()
      #expect(try await fixture.jobs().map(\.id) == [job.id])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `fifty concurrent posts of one label make one training`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 50, maxDelaySeconds: 0)) {
      fixture in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<50 {
          group.addTask { try await fixture.domain.post(x: [Double(number % 2 * 2 - 1)], fixture.tenant) }
        }
        try await group.waitForAll()
      }
      try await fixture.enqueueMissed()
      try await fixture.train()
      try await fixture.enqueueMissed()
      let jobs = try await fixture.jobs()
      #expect(jobs.map(\.state) == [.succeeded])
      let outcome = try #require(try jobs.first?.result?.decode(TrainingOutcome.self))
      #expect(outcome.kpis.labelsUsed == 50)
    }
  }

  @Test func `a failed training is not retried until labels change`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 15, maxDelaySeconds: 0)) {
      fixture in
      try await fixture.post(20)
      let lease = try await fixture.claim()
      try await fixture.note(lease)
      try await fixture.domain.queue.fail(lease, .internalError, retry: false)
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() == nil)
      #expect(try await fixture.post(1) != nil)
    }
  }

  @Test func `labels that arrive during a failing training are trained on`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 15, maxDelaySeconds: 0)) {
      fixture in
      try await fixture.post(20)
      let lease = try await fixture.claim()
      try await fixture.note(lease)
      #expect(try await fixture.post(10) == nil)
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() == nil)
      try await fixture.domain.queue.fail(lease, .internalError, retry: false)
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() != nil)
    }
  }

  @Test func `a cancelled training is not enqueued again until labels change`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 15, maxDelaySeconds: 0)) {
      fixture in
      let job = try #require(try await fixture.post(20))
      _ = try await fixture.domain.database.transaction(for: fixture.tenant) { tx in
        try await fixture.domain.trainings.cancel(fixture.tenant, dataset: "d", id: job, in: tx)
      }
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() == nil)
      let next = try #require(try await fixture.post(1))
      #expect(next != job)
    }
  }

  @Test func `a label that arrives before a training reads enqueues no other`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0)) {
      fixture in
      try await fixture.post(20)
      let lease = try await fixture.claim()
      #expect(try await fixture.post(1) == nil)
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() == nil)
      try await fixture.run(lease)
      let jobs = try await fixture.jobs()
      #expect(jobs.map(\.state) == [.succeeded])
      #expect(try jobs.first?.result?.decode(TrainingOutcome.self).kpis.labelsUsed == 21)
      try await fixture.enqueueMissed()
      #expect(try await fixture.waiting() == nil)
      #expect(try await fixture.post(19) == nil)
      #expect(try await fixture.post(1) != nil)
    }
  }

  @Test
  func `a job for labels that the running training reads after all is superseded`()
    async throws
  {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0)) {
      fixture in
      try await fixture.post(20)
      let lease = try await fixture.claim()
      try await fixture.note(lease)
      #expect(try await fixture.post(1) == nil)
      // These reach the minimum for another job, but the running training reads them, too, since it starts to read
      // only now.
      let second = try #require(try await fixture.post(19))
      try await fixture.run(lease)
      let jobs = try await fixture.jobs()
      #expect(jobs.map(\.state) == [.cancelled, .succeeded])
      #expect(Int(jobs[0].id) == second && jobs[0].error?.type == "superseded")
      #expect(try jobs[1].result?.decode(TrainingOutcome.self).kpis.labelsUsed == 40)
    }
  }

  @Test func `a requested training that has read all labels supersedes the waiting job`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 600)) {
      fixture in
      let waiting = try #require(try await fixture.post(20))
      try await fixture.request()
      let lease = try await fixture.claim()
      #expect(lease.job.origin == "manual")
      try await fixture.run(lease)
      let ended = try #require(try await fixture.jobs().first { Int($0.id) == waiting })
      #expect(ended.state == .cancelled && ended.error?.type == "superseded")
      // Later labels enqueue a new job.
      let next = try #require(try await fixture.post(1))
      #expect(next != waiting)
    }
  }

  @Test func `a requested training leaves a waiting job that has more labels to read`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 600)) {
      fixture in
      let waiting = try #require(try await fixture.post(20))
      try await fixture.request()
      let lease = try await fixture.claim()
      var joined: Int?
      try await fixture.run(lease) { joined = try await fixture.post(3) }
      #expect(joined == waiting)
      let job = try #require(try await fixture.waiting())
      #expect(Int(job.id) == waiting)
      #expect(abs(job.runAt.timeIntervalSince(job.createdAt) - 600) < 0.001)
    }
  }

  @Test func `a post returns the job that waits for earlier labels`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0)) {
      fixture in
      let job = try #require(try await fixture.post(20))
      // The requested training reads the labels so far, and the waiting job has not begun.
      try await fixture.request(priority: 1)
      let lease = try await fixture.claim()
      #expect(lease.job.origin == "manual")
      try await fixture.note(lease)
      #expect(try await fixture.post(1) == job)
    }
  }

  @Test func `corrected and deleted labels and feedback count as changes`() async throws {
    try await TrainingFixture.with(AutoTrain(enabled: true, minNewLabels: 1, maxDelaySeconds: 0)) { fixture in
      try await fixture.post(20)
      try await fixture.train()
      let (_, labels) = try await fixture.domain.labels.list(
        fixture.tenant, dataset: "d", after: nil, limit: 5)
      _ = try await fixture.domain.labels.change(fixture.tenant, dataset: "d", id: labels[0].id) { _, old in
        var new = old
        new.row.set(number: 5, at: 0)
        return new
      }
      #expect(try await fixture.train() == 20)
      try await fixture.domain.labels.delete(fixture.tenant, dataset: "d", id: labels[1].id)
      #expect(try await fixture.train() == 19)
      #expect(try await fixture.waiting() == nil)
    }
  }

  @Test func `a training starts from the coefficients of the active model`() async throws {
    try await TrainingFixture.with(.off) { fixture in
      // The outcomes are not linearly separable, so the solver needs several steps.
      try await fixture.domain.post(
        x: (0..<300).map { Double($0 % 23) - 11 }, label: { Int($0 * 7) % 5 < 2 || $0 > 8 }, fixture.tenant)
      // Three steps are too few from zero, and enough from a converged model.
      var converged: [Bool] = []
      for (version, steps) in [(1, 3), (2, 100), (3, 3)] {
        var parameters = TrainingParameters()
        parameters.maxIterations = steps
        try await fixture.request(parameters: parameters)
        try await fixture.train()
        converged.append(
          try await fixture.domain.models.model(fixture.tenant, dataset: "d", version: version).model
            .converged)
      }
      #expect(converged == [false, true, true])
    }
  }

  @Test func `lowering modelsKept deletes old models at once and keeps the newest`() async throws {
    try await TrainingFixture.with(.off) { fixture in
      try await fixture.post(40)
      for _ in 0..<4 {
        try await fixture.request()
        try await fixture.train()
      }
      try await fixture.change { $0.settings.modelsKept = 2 }
      #expect(try await fixture.versions() == [4, 3])
      // A new model that is worse than the active one is kept while it is the newest, since its job refers to it.
      try await fixture.change {
        $0.settings.modelsKept = 1
        $0.settings.activation = Activation(policy: .best, metric: .accuracy)
      }
      #expect(try await fixture.versions() == [4])
      try await fixture.domain.post(
        x: (0..<200).map { Double($0 % 21) - 10 }, label: { Int($0) % 2 == 0 }, fixture.tenant)
      // Equal parameters would give equal fits, of which the newer one predicts.
      var parameters = TrainingParameters()
      parameters.c = 1e-9
      try await fixture.request(parameters: parameters)
      try await fixture.train()
      #expect(try await fixture.versions() == [5, 4])
      #expect(try await fixture.domain.datasets.summary(fixture.tenant, named: "d").activeModel?.version == 4)
    }
  }

  @Test func `labels deleted during a training are counted despite late commits`() async throws {
    try await TrainingFixture.with(.off) { fixture in
      try await fixture.post(20)
      let reader = LabelReader(
        database: fixture.domain.database, cache: LabelCache(bytes: 0), logger: fixture.domain.logger)
      // This row gets its id before the others and is committed after them.
      let data = try await fixture.domain.database.transaction(for: fixture.tenant) { tx in
        try await tx.query(
          """
          INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
          VALUES (\(fixture.tenant), \(fixture.dataset), true, '{7}', '{late}')
          """)
        try await fixture.post(20)
        let data = try await reader.read(fixture.tenant, dataset: fixture.dataset) { _, _ in }
        #expect(data.table.rowCount == 40)
        try await fixture.domain.labels.delete(fixture.tenant, dataset: "d", id: data.ids[3])
        return data
      }
      let deleted = try await fixture.domain.database.transaction(for: fixture.tenant) { tx in
        try await TrainingRunner.deletedSince(data, fixture.tenant, in: tx)
      }
      #expect(deleted == 1)
    }
  }
}

/// A dataset with a policy, and the steps of a worker one by one.
private struct TrainingFixture: Sendable {
  let domain: TestDomain
  let tenant: TenantID
  let dataset: Int

  static func with(_ policy: AutoTrain, _ body: (TrainingFixture) async throws -> Void) async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant) { $0.settings.autoTrain = policy }
      try await body(TrainingFixture(domain: domain, tenant: tenant, dataset: dataset.id))
    }
  }

  /// Posts labels of both outcomes and returns the waiting job.
  @discardableResult
  func post(_ count: Int) async throws -> Int? {
    let x = (0..<count).map { number -> Double in
      let side: Double = number.isMultiple(of: 2) ? -2 : 2
      return side + Double(number % 7) / 10
    }
    return try await domain.post(x: x, tenant).trainingJob
  }

  func set(_ policy: AutoTrain) async throws {
    try await change {
      $0.settings.autoTrain = policy
      $0.named = [.autoTrain]
    }
  }

  func change(_ edit: @Sendable (inout DatasetChange) -> Void) async throws {
    _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
      var change = DatasetChange(of: dataset)
      edit(&change)
      return change
    }
  }

  func enqueueMissed() async throws {
    try await MissedTrainings(
      database: domain.database, autoTraining: domain.autoTraining, logger: domain.logger
    ).enqueueDueTrainings()
  }

  /// All jobs, newest first.
  func jobs() async throws -> [Job] {
    try await domain.trainings.list(tenant, dataset: "d", before: nil, limit: 100)
  }

  func waiting() async throws -> Job? {
    try await jobs().first { $0.state == .queued && $0.origin == "auto" }
  }

  func request(priority: Int16 = 0, parameters: TrainingParameters = TrainingParameters()) async throws {
    _ = try await domain.database.transaction(for: tenant) { tx in
      try await domain.queue.enqueue(
        NewJob(
          tenant: tenant.rawValue, subject: Int64(dataset), origin: "manual",
          parameters: try JSONB(parameters), priority: priority), in: tx)
    }
  }

  func claim() async throws -> Lease { try #require(try await domain.queue.claim(worker: "w")) }

  func note(_ lease: Lease) async throws {
    try await domain.database.transaction(for: tenant) {
      try await TrainingBacklog.recordReading(tenant, job: lease.job, in: $0)
    }
  }

  /// Runs a claimed job and calls `meanwhile` after its labels have been read.
  func run(_ lease: Lease, meanwhile: () async throws -> Void = {}) async throws {
    let runner = TrainingRunner(
      database: domain.database, autoTraining: domain.autoTraining, cache: LabelCache(bytes: 0),
      logger: domain.logger)
    let context = JobContext(control: JobControl(lease), queue: domain.queue)
    let data = try await runner.read(context)
    try await meanwhile()
    try await runner.train(on: data, context)
  }

  /// Runs the next job and returns the number of labels that it was fitted on.
  @discardableResult
  func train() async throws -> Int? {
    let lease = try await claim()
    try await run(lease)
    return try await jobs().first { $0.id == lease.job.id }?.result?.decode(TrainingOutcome.self).kpis
      .labelsUsed
  }

  func versions() async throws -> [Int] {
    try await domain.models.list(tenant, dataset: "d", before: nil, limit: 100).map(\.version)
  }
}
