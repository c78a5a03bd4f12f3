import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing

@testable import JobQueue
@testable import VerdictCore

/// When a dataset trains by itself, and when not.
@Suite struct AutoTrainingTests {
  @Test func `switching it on trains what is pending, and a lower minimum does`() async throws {
    try await Trial.with(.off) { trial in
      try await trial.post(20)
      #expect(try await trial.waiting() == nil)
      try await trial.set(AutoTrain(enabled: true, minNewLabels: 21, maxDelaySeconds: 0))
      #expect(try await trial.waiting() == nil)
      try await trial.set(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0))
      let job = try #require(try await trial.waiting())
      #expect(job.runAt <= job.createdAt.addingTimeInterval(0.001))
      // A minimum beyond what is pending calls it off again.
      try await trial.set(AutoTrain(enabled: true, minNewLabels: 21, maxDelaySeconds: 0))
      let ended = try #require(try await trial.jobs().first)
      #expect(ended.id == job.id && ended.state == .cancelled && ended.error?.type == "cancelled")
    }
  }

  @Test func `a delay counts from when the job was made, however often it is changed`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      #expect(try await trial.waiting() == nil)
      var ids: Set<Int64> = []
      for delay in [600, 60, 3_600] {
        try await trial.set(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: delay))
        let job = try #require(try await trial.waiting())
        #expect(abs(job.runAt.timeIntervalSince(job.createdAt) - Double(delay)) < 0.001)
        ids.insert(job.id)
      }
      #expect(ids.count == 1)
    }
  }

  @Test(arguments: [AutoTrain.off, AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 0)])
  func `switching it off, or the delay, ends what waits`(policy: AutoTrain) async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 60)) { trial in
      let job = try #require(try await trial.post(20))
      try await trial.set(policy)
      let ended = try #require(try await trial.jobs().first)
      #expect(Int(ended.id) == job && ended.state == .cancelled)
      try await trial.lookForMissed()
      #expect(try await trial.waiting() == nil)
    }
  }

  @Test func `the parameters of trainings reach the one that waits`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 1, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      try await trial.change { change in
        var training = TrainingParameters()
        training.seed = 77
        change.settings.training = training
      }
      let job = try #require(try await trial.waiting())
      #expect(try job.parameters.decode(TrainingParameters.self).seed == 77)
    }
  }

  @Test func `two posts that do not see each other are found together`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 50, maxDelaySeconds: 0)) { trial in
      try await trial.domain.database.transaction(for: trial.tenant) { tx in
        // Each in a shard of its own and decided upon, as two posts do it.
        try await tx.query(
          """
          INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
          VALUES (\(trial.tenant), \(trial.dataset), 0, 12, 13, 25)
          """)
        let counts = try await LabelCounting.counts(trial.tenant, dataset: trial.dataset, in: tx)
        let dataset = try await trial.domain.datasets.dataset(trial.tenant, named: "d", in: tx)
        #expect(
          try await trial.domain.autoTraining.changed(trial.tenant, dataset, counts: counts, in: tx) == nil)
        try await trial.domain.database.transaction(for: trial.tenant) { other in
          try await other.query(
            """
            INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
            VALUES (\(trial.tenant), \(trial.dataset), 1, 12, 13, 25)
            """)
          let counts = try await LabelCounting.counts(trial.tenant, dataset: trial.dataset, in: other)
          #expect(counts.changes == 25)
          #expect(
            try await trial.domain.autoTraining.changed(trial.tenant, dataset, counts: counts, in: other)
              == nil)
        }
      }
      #expect(try await trial.waiting() == nil)
      try await trial.lookForMissed()
      let job = try #require(try await trial.waiting())
      try await trial.lookForMissed()
      #expect(try await trial.jobs().map(\.id) == [job.id])
    }
  }

  @Test(.timeLimit(.minutes(2)))
  func `fifty posts of one label at once make one training`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 50, maxDelaySeconds: 0)) { trial in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<50 {
          group.addTask { try await trial.domain.post(x: [Double(number % 2 * 2 - 1)], trial.tenant) }
        }
        try await group.waitForAll()
      }
      try await trial.lookForMissed()
      try await trial.train()
      try await trial.lookForMissed()
      let jobs = try await trial.jobs()
      #expect(jobs.map(\.state) == [.succeeded])
      let outcome = try #require(try jobs.first?.result?.decode(TrainingOutcome.self))
      #expect(outcome.kpis.labelsUsed == 50)
    }
  }

  @Test func `what failed is not tried again until something changes`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 15, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      let lease = try await trial.claim()
      try await trial.note(lease)
      try await trial.domain.queue.fail(lease, .internalError, retry: false)
      try await trial.lookForMissed()
      #expect(try await trial.waiting() == nil)
      #expect(try await trial.post(1) != nil)
    }
  }

  @Test func `what came while a training ran that failed is trained on`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 15, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      let lease = try await trial.claim()
      try await trial.note(lease)
      #expect(try await trial.post(10) == nil)
      try await trial.lookForMissed()
      #expect(try await trial.waiting() == nil)
      try await trial.domain.queue.fail(lease, .internalError, retry: false)
      try await trial.lookForMissed()
      #expect(try await trial.waiting() != nil)
    }
  }

  @Test func `a training that was called off is not asked for again until something changes`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 15, maxDelaySeconds: 0)) { trial in
      let job = try #require(try await trial.post(20))
      _ = try await trial.domain.database.transaction(for: trial.tenant) { tx in
        try await trial.domain.trainings.cancel(trial.tenant, dataset: "d", id: job, in: tx)
      }
      try await trial.lookForMissed()
      #expect(try await trial.waiting() == nil)
      let next = try #require(try await trial.post(1))
      #expect(next != job)
    }
  }

  @Test func `a label that comes before a training has begun to read asks for no other`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      let lease = try await trial.claim()
      #expect(try await trial.post(1) == nil)
      try await trial.lookForMissed()
      #expect(try await trial.waiting() == nil)
      try await trial.run(lease)
      let jobs = try await trial.jobs()
      #expect(jobs.map(\.state) == [.succeeded])
      #expect(try jobs.first?.result?.decode(TrainingOutcome.self).kpis.labelsUsed == 21)
      try await trial.lookForMissed()
      #expect(try await trial.waiting() == nil)
      #expect(try await trial.post(19) == nil)
      #expect(try await trial.post(1) != nil)
    }
  }

  @Test
  func `a label that comes while a training reads asks for no other, nor twenty that it may have missed`()
    async throws
  {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      let lease = try await trial.claim()
      try await trial.note(lease)
      #expect(try await trial.post(1) == nil)
      // As many as ask for another one: but the training, which reads only now, has them too.
      let second = try #require(try await trial.post(19))
      try await trial.run(lease)
      let jobs = try await trial.jobs()
      #expect(jobs.map(\.state) == [.cancelled, .succeeded])
      #expect(Int(jobs[0].id) == second && jobs[0].error?.type == "superseded")
      #expect(try jobs[1].result?.decode(TrainingOutcome.self).kpis.labelsUsed == 40)
    }
  }

  @Test func `a training on request that has read everything ends the one that waits`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 600)) { trial in
      let waiting = try #require(try await trial.post(20))
      try await trial.request()
      let lease = try await trial.claim()
      #expect(lease.job.origin == "manual")
      try await trial.run(lease)
      let ended = try #require(try await trial.jobs().first { Int($0.id) == waiting })
      #expect(ended.state == .cancelled && ended.error?.type == "superseded")
      // What comes next waits anew.
      let next = try #require(try await trial.post(1))
      #expect(next != waiting)
    }
  }

  @Test func `a training on request leaves one that has more to read`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 100, maxDelaySeconds: 600)) { trial in
      let waiting = try #require(try await trial.post(20))
      try await trial.request()
      let lease = try await trial.claim()
      var joined: Int?
      try await trial.run(lease) { joined = try await trial.post(3) }
      #expect(joined == waiting)
      let job = try #require(try await trial.waiting())
      #expect(Int(job.id) == waiting)
      #expect(abs(job.runAt.timeIntervalSince(job.createdAt) - 600) < 0.001)
    }
  }

  @Test func `a post names the training that waits for an earlier one`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 20, maxDelaySeconds: 0)) { trial in
      let job = try #require(try await trial.post(20))
      // A training on request reads these: what is left asks for none, and the one that waits has not begun.
      try await trial.request(priority: 1)
      let lease = try await trial.claim()
      #expect(lease.job.origin == "manual")
      try await trial.note(lease)
      #expect(try await trial.post(1) == job)
    }
  }

  @Test func `corrected and deleted labels and feedback count as changes`() async throws {
    try await Trial.with(AutoTrain(enabled: true, minNewLabels: 1, maxDelaySeconds: 0)) { trial in
      try await trial.post(20)
      try await trial.train()
      let (_, labels) = try await trial.domain.labels.list(trial.tenant, dataset: "d", after: nil, limit: 5)
      _ = try await trial.domain.labels.change(trial.tenant, dataset: "d", id: labels[0].id) { _, old in
        var new = old
        new.row.set(number: 5, at: 0)
        return new
      }
      #expect(try await trial.train() == 20)
      try await trial.domain.labels.delete(trial.tenant, dataset: "d", id: labels[1].id)
      #expect(try await trial.train() == 19)
      #expect(try await trial.waiting() == nil)
    }
  }

  @Test func `a training starts from the active model`() async throws {
    try await Trial.with(.off) { trial in
      // Not to be told apart by a line, so that the solver has to take its steps.
      try await trial.domain.post(
        x: (0..<300).map { Double($0 % 23) - 11 }, label: { Int($0 * 7) % 5 < 2 || $0 > 8 }, trial.tenant)
      // Three steps are too few from nothing, and enough from a model that has made them all.
      var converged: [Bool] = []
      for (version, steps) in [(1, 3), (2, 100), (3, 3)] {
        var parameters = TrainingParameters()
        parameters.maxIterations = steps
        try await trial.request(parameters: parameters)
        try await trial.train()
        converged.append(
          try await trial.domain.models.model(trial.tenant, dataset: "d", version: version).model.converged)
      }
      #expect(converged == [false, true, true])
    }
  }

  @Test func `fewer models are kept as soon as that is said, the newest among them`() async throws {
    try await Trial.with(.off) { trial in
      try await trial.post(40)
      for _ in 0..<4 {
        try await trial.request()
        try await trial.train()
      }
      try await trial.change { $0.settings.modelsKept = 2 }
      #expect(try await trial.versions() == [4, 3])
      // A new model that is worse than the active one is kept as long as it is the newest: its job names it.
      try await trial.change {
        $0.settings.modelsKept = 1
        $0.settings.activation = Activation(policy: .best, metric: .accuracy)
      }
      #expect(try await trial.versions() == [4])
      try await trial.domain.post(
        x: (0..<200).map { Double($0 % 21) - 10 }, label: { Int($0) % 2 == 0 }, trial.tenant)
      try await trial.request()
      try await trial.train()
      #expect(try await trial.versions() == [5, 4])
      #expect(try await trial.domain.datasets.summary(trial.tenant, named: "d").activeModel?.version == 4)
    }
  }

  @Test func `labels that go while a training runs are counted, whatever comes late`() async throws {
    try await Trial.with(.off) { trial in
      try await trial.post(20)
      let reader = LabelReader(
        database: trial.domain.database, cache: LabelCache(bytes: 0), logger: trial.domain.logger)
      // A row that has its id before the others and is there only after them.
      let data = try await trial.domain.database.transaction(for: trial.tenant) { tx in
        try await tx.query(
          """
          INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
          VALUES (\(trial.tenant), \(trial.dataset), true, '{7}', '{late}')
          """)
        try await trial.post(20)
        let data = try await reader.read(trial.tenant, dataset: trial.dataset) { _, _ in }
        #expect(data.table.rowCount == 40)
        try await trial.domain.labels.delete(trial.tenant, dataset: "d", id: data.ids[3])
        return data
      }
      let deleted = try await trial.domain.database.transaction(for: trial.tenant) { tx in
        try await TrainingRunner.deletedSince(data, trial.tenant, in: tx)
      }
      #expect(deleted == 1)
    }
  }
}

/// A dataset with a policy, and a worker's steps one by one.
private struct Trial: Sendable {
  let domain: TestDomain
  let tenant: TenantID
  let dataset: Int

  static func with(_ policy: AutoTrain, _ body: (Trial) async throws -> Void) async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant) { $0.settings.autoTrain = policy }
      try await body(Trial(domain: domain, tenant: tenant, dataset: dataset.id))
    }
  }

  /// Posts labels of both outcomes; the training that waits.
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

  func lookForMissed() async throws {
    try await MissedTrainings(
      database: domain.database, autoTraining: domain.autoTraining, logger: domain.logger
    ).queueWhatIsDue()
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
      try await TrainingBacklog.note(tenant, job: lease.job, in: $0)
    }
  }

  /// Does a job that was taken up; `meanwhile` is done between the reading and the rest.
  func run(_ lease: Lease, meanwhile: () async throws -> Void = {}) async throws {
    let runner = TrainingRunner(
      database: domain.database, autoTraining: domain.autoTraining, cache: LabelCache(bytes: 0),
      logger: domain.logger)
    let context = JobContext(control: JobControl(lease), queue: domain.queue)
    let data = try await runner.read(context)
    try await meanwhile()
    try await runner.train(on: data, context)
  }

  /// Does the job whose turn it is; how many labels it was fitted on.
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
