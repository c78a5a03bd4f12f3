import DomainTestSupport
import Foundation
import JobQueue
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of the steps of erasures: interrupted ones, several processes, and trainings and caches beside them.
@Suite struct ErasureWorkTests {
  /// A dataset with `count` labels, all of one group, and twenty others.
  private func prepare(_ domain: TestDomain, _ count: Int) async throws -> (TenantID, Dataset) {
    let tenant = try await domain.tenant()
    let dataset = try await domain.dataset(tenant)
    try await domain.post(x: (0..<20).map { Double($0) - 10 }, tenant)
    try await domain.post(
      x: (0..<count).map { Double($0) - 5 }, keys: (0..<count).map { "k\($0)" }, tenant)
    try await domain.asOwner { connection in
      _ = try await connection.query("UPDATE labels SET group_name = 'Ada' WHERE key IS NOT NULL")
      _ = try await connection.query(
        """
        INSERT INTO predictions (tenant_id, dataset_id, id, model_version, label, probability, threshold, numbers, categories,
                                 group_name)
        SELECT \(tenant.rawValue), \(dataset.id), gen_random_uuid(), 1, true, 0.7, 0.5, '{1}', '{a}', 'Ada'
        FROM generate_series(1, \(count))
        """)
      _ = try await connection.query(
        "INSERT INTO prediction_counts (tenant_id, shard, stored) VALUES (\(tenant.rawValue), 0, \(count))")
    }
    return (tenant, dataset)
  }

  /// Stores the request of an erasure, and does not start it.
  private func request(
    _ domain: TestDomain, _ tenant: TenantID, _ dataset: Dataset, _ value: String = "Ada"
  ) async throws -> Int {
    try await domain.database.transaction(for: tenant) { tx in
      try await tx.query(
        """
        INSERT INTO erasures (tenant_id, dataset_id, subject, value, hash, retrain)
        VALUES (\(tenant), \(dataset.id), 'group', \(value), \(Data(repeating: 7, count: 32)), false) RETURNING id
        """
      ).single().decode(Int.self)
    }
  }

  private func status(_ domain: TestDomain, _ tenant: TenantID, _ id: Int) async throws -> Erasure {
    try await ErasureStore(database: domain.database).erasure(tenant, dataset: "d", id: id)
  }

  private func expectGone(_ domain: TestDomain, _ tenant: TenantID, labels: Int = 20) async throws {
    #expect(try await domain.counts(tenant).stored == labels)
    let rows = try await domain.countedRows()
    #expect(rows.positives + rows.negatives == labels)
    let predictions = try await domain.asOwner {
      try await $0.query(
        "SELECT (SELECT count(*) FROM predictions), (SELECT sum(stored)::bigint FROM prediction_counts)"
      ).first?.decode(Int.self, Int.self)
    }
    #expect(predictions?.0 == 0 && predictions?.1 == 0)
  }

  @Test(.timeLimit(.minutes(10)), arguments: [1, 3, 6])
  func `an erasure goes on after an interruption`(steps: Int) async throws {
    try await TestDomain.with { domain in
      let (tenant, dataset) = try await prepare(domain, 10)
      let id = try await request(domain, tenant, dataset)
      #expect(try await status(domain, tenant, id).state == .pending)
      var lost = ErasureWork(tenant, dataset: dataset.id, id: id, in: domain.database, rowsPerStep: 3)
      for _ in 0..<steps {
        let goesOn = try await lost.step()
        #expect(goesOn)
      }
      let middle = try await status(domain, tenant, id)
      #expect(middle.state == .running && middle.removedAt == nil)
      #expect(middle.predictionsDeleted + middle.labelsDeleted > 0)
      // Its process is gone. The maintenance of another one goes on.
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      try await eventually { try await status(domain, tenant, id).state == .succeeded }
      let ended = try await status(domain, tenant, id)
      #expect(ended.predictionsDeleted == 10 && ended.labelsDeleted == 10)
      try await expectGone(domain, tenant)
      // The lost process comes back.
      let isOver = try await !lost.step()
      #expect(isOver)
      #expect(try await status(domain, tenant, id) == ended)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `several processes work on one erasure once`() async throws {
    try await TestDomain.with(connections: 12) { domain in
      let (tenant, dataset) = try await prepare(domain, 60)
      let id = try await request(domain, tenant, dataset)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            while try await status(domain, tenant, id).state != .succeeded {
              var work = ErasureWork(
                tenant, dataset: dataset.id, id: id, in: domain.database, rowsPerStep: 4)
              try await work.run()
            }
          }
        }
        try await group.waitForAll()
      }
      let ended = try await status(domain, tenant, id)
      #expect(ended.predictionsDeleted == 60 && ended.labelsDeleted == 60)
      try await expectGone(domain, tenant)
      let entries = try await AuditLog(database: domain.database).list(tenant, before: nil, limit: 50)
      #expect(entries.count { $0.action == AuditAction.erasureFinished.rawValue } == 1)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a deleted dataset takes its erasures along`() async throws {
    try await TestDomain.with { domain in
      let (tenant, dataset) = try await prepare(domain, 5)
      let id = try await request(domain, tenant, dataset)
      var work = ErasureWork(tenant, dataset: dataset.id, id: id, in: domain.database, rowsPerStep: 2)
      let goesOn = try await work.step()
      #expect(goesOn)
      try await domain.datasets.delete(tenant, named: "d")
      let isOver = try await !work.step()
      #expect(isOver)
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      let left = try await domain.asOwner {
        try await $0.query("SELECT (SELECT count(*) FROM erasures) + (SELECT count(*) FROM labels)").first?
          .decode(Int.self)
      }
      #expect(left == 0)
    }
  }

  /// The model of a training that had read the labels before the erasure is marked although it is stored after it.
  @Test(.timeLimit(.minutes(10)), arguments: [true, false])
  func `a training beside an erasure is marked`(isErasure: Bool) async throws {
    try await TestDomain.with { domain in
      let (tenant, dataset) = try await prepare(domain, 6)
      let id = try await request(domain, tenant, dataset, isErasure ? "Ada" : "nobody")
      let runner = TrainingRunner(
        database: domain.database, autoTraining: domain.autoTraining, cache: LabelCache(bytes: 0),
        logger: domain.logger)
      let worker = Worker(queue: domain.queue, connection: domain.app, slots: 1, logger: domain.logger) {
        context in
        let data = try await runner.read(context)
        try await ErasureRunner.work(tenant, in: domain.database)
        if !isErasure {
          var filter = LabelFilter()
          filter.group = "Ada"
          _ = try await domain.labels.delete(tenant, dataset: "d", where: filter)
        }
        try await runner.train(on: data, context)
      }
      _ = try await domain.database.transaction(for: tenant) { tx in
        try await domain.trainings.request(tenant, dataset: "d", in: tx) { $0 }
      }
      let working = Task { try await worker.run() }
      try await eventually { try await domain.datasets.summary(tenant, named: "d").activeModel != nil }
      working.cancel()
      _ = await working.result
      #expect(try await status(domain, tenant, id).state == .succeeded)
      let model = try await domain.models.list(tenant, dataset: "d", before: nil, limit: 1)[0]
      #expect(model.labelsDeletedSince == 6)
      #expect(model.erasedLabels == (isErasure ? 6 : 0))
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `erased labels leave the cache of a process that trains`() async throws {
    try await TestDomain.with { domain in
      let (tenant, dataset) = try await prepare(domain, 6)
      let other = try await domain.dataset(tenant, "e")
      try await domain.post(x: [1, 2, -1, -2], tenant, "e")
      let cache = LabelCache(bytes: 1 << 20)
      let reader = LabelReader(database: domain.database, cache: cache, logger: domain.logger)
      let eviction = ErasedLabels(database: domain.database, cache: cache, logger: domain.logger)
      for each in [dataset, other] { _ = try await reader.read(tenant, dataset: each.id) { _, _ in } }
      try await eviction.evict()
      #expect(cache.datasets[tenant]?.sorted() == [dataset.id, other.id])
      _ = try await request(domain, tenant, dataset)
      try await ErasureRunner.work(tenant, in: domain.database)
      try await eviction.evict()
      #expect(cache.datasets[tenant] == [other.id])
      // Labels that are read afterwards stay.
      let again = try await reader.read(tenant, dataset: dataset.id) { _, _ in }
      #expect(again.ids.count == 20)
      try await eviction.evict()
      #expect(cache.datasets[tenant]?.count == 2)
    }
  }

  @Test func `hashes depend on the secret, the kind and the value`() {
    let secret = Data(repeating: 1, count: 32)
    let hash = ErasureHash.hash(.reference("a"), secret: secret)
    #expect(hash.count == 32)
    #expect(hash == ErasureHash.hash(.reference("a"), secret: secret))
    for other in [
      ErasureHash.hash(.reference("b"), secret: secret), ErasureHash.hash(.group("a"), secret: secret),
      ErasureHash.hash(.reference("a"), secret: Data(repeating: 2, count: 32)),
    ] {
      #expect(hash != other)
    }
    // Computed by Python's hmac.new(bytes([1] * 32), b"reference\na", "sha256").
    #expect(
      ErasureHash.text(hash) == "hmac-sha256:b92ceeebc642848528a904c91f2c80da1c7432ac5eed1ec49d9e66381ea4bfdc"
    )
  }
}
