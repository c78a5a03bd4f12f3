import DomainTestSupport
import Foundation
import JobQueue
import PostgreSQL
import Testing
import TestSupport

@testable import VerdictCore

/// Tests of workers and trainings beside transactions that hold locks, and of labels that come late.
@Suite struct TrainingLockTests {
  @Test(.timeLimit(.minutes(10)))
  func `a worker does not wait for one tenant's lock while others' jobs wait`() async throws {
    try await TestDomain.with(connections: 12) { domain in
      let (blocked, other) = (try await domain.tenant("blocked"), try await domain.tenant("other"))
      for tenant in [blocked, other] {
        try await domain.dataset(tenant)
        try await domain.post(x: (0..<20).map { Double($0) - 10 }, tenant)
      }
      let worker = domain.trainingWorker()
      let working = Task { try await worker.run() }
      let job = try await domain.database.transaction(for: blocked) { tx in
        _ = try await domain.datasets.dataset(blocked, named: "d", lock: .update, in: tx)
        let job = try await request(domain, blocked)
        // The job has been tried by then.
        try await eventually {
          try await domain.trainings.job(blocked, dataset: "d", id: job).transitions.count > 2
        }
        let second = try await request(domain, other)
        try await eventually { try await state(domain, other, second) == .succeeded }
        #expect(try await state(domain, blocked, job) != .succeeded)
        return job
      }
      try await eventually { try await state(domain, blocked, job) == .succeeded }
      let ended = try await domain.trainings.job(blocked, dataset: "d", id: job)
      #expect(ended.attempt == 1 && ended.failures.isEmpty)
      working.cancel()
      _ = await working.result
    }
  }

  /// The waiting job of a dataset was locked by each transaction that joined it, so that under steady posting no worker claimed
  /// it for many seconds.
  @Test(.timeLimit(.minutes(10)))
  func `automatic trainings go on under steady posting`() async throws {
    try await TestDomain.with(connections: 24) { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant) {
        $0.settings.autoTrain = AutoTrain(enabled: true, minNewLabels: 1, maxDelaySeconds: 0)
      }
      try await domain.post(x: (0..<20).map { Double($0) - 10 }, tenant)
      let worker = domain.trainingWorker()
      let working = Task { try await worker.run() }
      let times = try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<20 {
          group.addTask {
            while !Task.isCancelled {
              do {
                try await domain.post(x: [Double(number) - 9.5], tenant)
              } catch let error as PostgreSQLError where error.kind == .cancelled {
                return
              } catch is CancellationError {
                return
              }
            }
          }
        }
        try await Task.sleep(for: .seconds(10))
        group.cancelAll()
        try await group.waitForAll()
        return try await domain.asOwner { connection in
          try await connection.query(
            "SELECT trained_at FROM kpis WHERE dataset_id = \(dataset.id) ORDER BY trained_at"
          ).map { try $0.decode(Date.self) }
        }
      }
      working.cancel()
      _ = await working.result
      let gaps = zip(times.dropFirst(), times).map { $0.timeIntervalSince($1) }
      #expect(times.count > 3 && (gaps.max() ?? 10) < 5, "\(times.count) trainings, gaps \(gaps)")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `labels that a training did not read do not count as deleted ones of its`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant)
      // These rows get their ids before the training's, and are committed after it has read.
      try await domain.database.transaction(for: tenant) { tx in
        try await tx.query(
          """
          INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
          SELECT \(tenant), \(dataset.id), true, '{7}', '{late}' FROM generate_series(1, 50)
          """)
        try await domain.post(x: (0..<20).map { Double($0) - 10 }, tenant)
        try await domain.train(tenant)
        _ = try await LabelCounting.add(
          CountChange(positives: 50, changes: 50), tenant, dataset: dataset.id, in: tx)
      }
      var all = LabelFilter()
      all.all = true
      #expect(try await domain.labels.delete(tenant, dataset: "d", where: all) == 70)
      let model = try await domain.models.model(tenant, dataset: "d", version: 1).summary
      #expect(model.labelsUsed == 20 && model.labelsDeletedSince == 20)
    }
  }

  private func request(_ domain: TestDomain, _ tenant: TenantID) async throws -> Int {
    Int(
      try await domain.database.transaction(for: tenant) { tx in
        try await domain.trainings.request(tenant, dataset: "d", in: tx) { $0 }
      }.id)
  }

  private func state(_ domain: TestDomain, _ tenant: TenantID, _ job: Int) async throws -> JobState {
    try await domain.trainings.job(tenant, dataset: "d", id: job).state
  }
}
