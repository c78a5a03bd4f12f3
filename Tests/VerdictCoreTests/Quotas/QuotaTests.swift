import DomainTestSupport
import JobQueue
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests that every limit of a tenant holds, also under concurrent requests.
@Suite struct QuotaTests {
  /// Runs batches of several statements concurrently. PostgreSQL aborts a deadlock with SQLSTATE 40P01, which would
  /// be thrown here.
  @Test(.timeLimit(.minutes(10)))
  func `counting predictions does not deadlock`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for _ in 0..<5 {
              try await domain.database.transaction(for: tenant) { tx in
                for _ in 0..<12 { try await tx.query(PredictionCounting.add(1, tenant)) }
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let counted = try await domain.asOwner { connection in
        try await connection.query("SELECT sum(stored)::bigint FROM prediction_counts").first?.decode(
          Int.self)
      }
      #expect(counted == 8 * 5 * 12)
    }
  }

  @Test func `the limit of rows holds under concurrent writes`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.limit(tenant, .rows, 100)
      for name in ["a", "b"] { try await domain.dataset(tenant, name) }
      let stored = try await withThrowingTaskGroup(of: Int.self) { group in
        for index in 0..<40 {
          group.addTask {
            do {
              return try await domain.post(x: [1, -1, 2, -2, 3, -3, 4], tenant, index % 2 == 0 ? "a" : "b")
                .inserted
            } catch DomainError.quotaExceeded(let quota, let maximum, let present) {
              #expect(quota == .rows && maximum == 100 && present + 7 > 100 && present <= 100)
              return 0
            }
          }
        }
        return try await group.reduce(0, +)
      }
      #expect(stored == 98)
      let usage = try await UsageStore(database: domain.database).usage(tenant)
      #expect(usage.used[.rows] == 98)
      #expect(usage.limits[.rows] == 100)
      let counted = try await domain.countedRows()
      #expect(counted.positives + counted.negatives == 98)
    }
  }

  @Test func `a tenant at its limit can replace and delete rows`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [1, -1], keys: ["a", "b"], tenant)
      try await domain.limit(tenant, .rows, 2)
      #expect(try await domain.post(x: [5, -5], keys: ["a", "b"], tenant).updated == 2)
      await #expect(throws: DomainError.quotaExceeded(.rows, maximum: 2, present: 2)) {
        try await domain.post(x: [7], keys: ["c"], tenant)
      }
      var filter = LabelFilter()
      filter.keys = ["a"]
      let gone = filter
      #expect(try await domain.labels.delete(tenant, dataset: "d", where: gone) == 1)
      #expect(try await domain.post(x: [7], keys: ["c"], tenant).inserted == 1)
      // Lowering the limit below the present number deletes nothing.
      try await domain.limit(tenant, .rows, 1)
      #expect(try await domain.counts(tenant).stored == 2)
    }
  }

  @Test func `the rows of another tenant do not count`() async throws {
    try await TestDomain.with { domain in
      let (mine, theirs) = (try await domain.tenant("mine"), try await domain.tenant("theirs"))
      try await domain.limit(mine, .rows, 3)
      for tenant in [mine, theirs] { try await domain.dataset(tenant) }
      try await domain.post(x: [1, 2, 3, 4, 5], theirs)
      #expect(try await domain.post(x: [1, 2, -3], mine).inserted == 3)
    }
  }

  @Test func `the limits of datasets and keys hold under concurrent requests`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.limit(tenant, .datasets, 3)
      try await domain.limit(tenant, .keys, 4)
      let made = await withTaskGroup(of: Bool.self) { group in
        for index in 0..<12 {
          group.addTask { (try? await domain.dataset(tenant, "d\(index)")) != nil }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(made == 3)
      let issued = await withTaskGroup(of: Bool.self) { group in
        for index in 0..<12 {
          group.addTask {
            let key = try? await domain.database.transaction(for: tenant) { tx in
              try await Quotas.admitOneMore(.keys, tenant, in: tx)
              return try await KeyStore.issue(tenant, name: "\(index)", role: .read, expiresAt: nil, in: tx)
            }
            return key != nil
          }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(issued == 3)  // The tenant already has its first key.
      let names = try await domain.datasets.list(tenant, after: nil, limit: 10).map(\.dataset.name)
      try await domain.datasets.delete(tenant, named: try #require(names.first))
      try await domain.dataset(tenant, "again")
    }
  }

  /// Each of two operators sets a different limit while the other's transaction is open.
  @Test(.timeLimit(.minutes(10)))
  func `concurrent changes of different limits are both applied`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let other = try await domain.database.transaction(for: tenant) { tx in
        try await tx.query(
          "UPDATE tenants SET limits = limits || '{\"rows\": 5}' WHERE tenant_id = \(tenant.rawValue)")
        let other = Task { try await domain.limit(tenant, .keys, 7) }
        try await domain.waitForALock()
        return other
      }
      try await other.value
      let limits = try await TenantStore(database: domain.database).limits(tenant)
      #expect(limits[set: .rows] == 5)
      #expect(limits[set: .keys] == 7)
    }
  }

  @Test func `the limit of queued jobs counts requested trainings and no automatic ones`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      for name in ["a", "b"] {
        try await domain.dataset(tenant, name) { $0.settings.autoTrain.enabled = true }
        try await domain.post(x: [1, 2, -1, -2], tenant, name)
      }
      try await domain.limit(tenant, .queuedJobs, 3)
      let ask: @Sendable (Int) async throws -> Void = { number in
        _ = try await domain.database.transaction(for: tenant) { tx in
          try await domain.trainings.request(tenant, dataset: number % 2 == 0 ? "a" : "b", in: tx) { $0 }
        }
      }
      let asked = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<12 { group.addTask { (try? await ask(number)) != nil } }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
      }
      #expect(asked == 3)
      await #expect(throws: DomainError.quotaExceeded(.queuedJobs, maximum: 3, present: 3)) {
        try await ask(0)
      }
      let usage = try await UsageStore(database: domain.database).usage(tenant)
      #expect(usage.used[.queuedJobs] == 3)
      // A cancelled job frees its place.
      for name in ["a", "b"] {
        let jobs = try await domain.trainings.list(tenant, dataset: name, before: nil, limit: 10)
        guard let job = jobs.first(where: { $0.origin == "manual" }) else { continue }
        _ = try await domain.database.transaction(for: tenant) { tx in
          try await domain.trainings.cancel(tenant, dataset: name, id: Int(job.id), in: tx)
        }
        break
      }
      try await ask(1)
      await #expect(throws: DomainError.self) { try await ask(1) }
    }
  }

  @Test func `the limit of running jobs holds`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      for name in ["a", "b", "c"] {
        try await domain.dataset(tenant, name)
        try await domain.post(x: [1, 2, -1, -2], tenant, name)
        _ = try await domain.database.transaction(for: tenant) { tx in
          try await domain.trainings.request(tenant, dataset: name, in: tx) { $0 }
        }
      }
      try await domain.limit(tenant, .jobs, 0)
      #expect(try await domain.queue.claim(worker: "w") == nil)
      try await domain.limit(tenant, .jobs, 2)
      #expect(try await domain.queue.claim(worker: "w") != nil)
      #expect(try await domain.queue.claim(worker: "w") != nil)
      #expect(try await domain.queue.claim(worker: "w") == nil)
      try await domain.limit(tenant, .jobs, nil)
      #expect(try await domain.queue.claim(worker: "w") != nil)
    }
  }
}

extension TestDomain {
  func limit(_ tenant: TenantID, _ quota: Quota, _ number: Int?) async throws {
    _ = try await TenantStore(database: database).setLimits(tenant) { $0[set: quota] = number }
  }
}
