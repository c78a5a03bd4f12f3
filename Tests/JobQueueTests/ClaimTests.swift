import Foundation
import JobQueue
import PostgreSQL
import Testing
import TestSupport

@Suite struct ClaimTests {
  @Test func `concurrent claims never get the same job, nor two of one subject`() async throws {
    try await withQueue { bench in
      for number in 0..<24 { try await bench.enqueue(tenant: Int32(number % 6), subject: Int64(number / 12)) }
      let leases = try await claimAll(bench, claimers: 10)
      #expect(Set(leases.map(\.job.id)).count == leases.count)
      #expect(Set(leases.map { [Int64($0.job.tenant), $0.job.subject] }).count == leases.count)
      #expect(leases.count == 12)
    }
  }

  @Test func `a tenant has no more running jobs than its limit, however many workers claim`() async throws {
    var configuration = JobQueue.Configuration()
    configuration.runningPerTenant = 3
    try await withQueue(configuration: configuration) { bench in
      for subject in 0..<20 { try await bench.enqueue(subject: Int64(subject)) }
      let leases = try await claimAll(bench, claimers: 10)
      #expect(leases.count == 3)
      try await bench.succeed(leases[0])
      #expect(try await bench.queue.claim(worker: "w") != nil)
      #expect(try await bench.queue.claim(worker: "w") == nil)
    }
  }

  @Test func `a tenant with a thousand jobs delays another's single one by one job at most`() async throws {
    try await withQueue { bench in
      try await bench.admin.query(
        """
        INSERT INTO jobs (tenant_id, kind, subject, origin, created_at, run_at)
        SELECT 1, 'training', n, 'manual', now() - interval '1 h', now() - interval '1 h'
        FROM generate_series(1, 1000) AS n
        """)
      // One worker, one job at a time.
      for _ in 0..<3 {
        let lease = try #require(try await bench.queue.claim(worker: "w"))
        #expect(lease.job.tenant == 1)
        try await bench.succeed(lease)
      }
      let running = try #require(try await bench.queue.claim(worker: "w"))
      let single = try await bench.enqueue(tenant: 2)
      try await bench.succeed(running)
      let next = try #require(try await bench.queue.claim(worker: "w"))
      #expect(next.job.id == single.id)
      try await bench.succeed(next)

      // Two tenants with many jobs take turns.
      for subject in 1...4 { try await bench.enqueue(tenant: 2, subject: Int64(subject)) }
      var turns: [Int32] = []
      for _ in 0..<6 {
        let lease = try #require(try await bench.queue.claim(worker: "w"))
        turns.append(lease.job.tenant)
        try await bench.succeed(lease)
      }
      #expect(turns == [1, 2, 1, 2, 1, 2])
    }
  }

  @Test func `within a tenant priority comes first, then time`() async throws {
    try await withQueue { bench in
      let now = Date()
      let late = try await bench.enqueue(subject: 1, runAt: now - 10)
      let early = try await bench.enqueue(subject: 2, runAt: now - 20)
      let urgent = try await bench.enqueue(subject: 3, runAt: now - 5, priority: 1)
      _ = try await bench.enqueue(subject: 4, runAt: now + 3600, priority: 9)
      var order: [Int64] = []
      while let lease = try await bench.queue.claim(worker: "w") { order.append(lease.job.id) }
      #expect(order == [urgent.id, early.id, late.id])
    }
  }

  @Test func `a queue does not touch the jobs of another kind`() async throws {
    try await withQueue { bench in
      let other = bench.queue.ofKind("export")
      let job = try await bench.enqueue()
      #expect(try await other.claim(worker: "w") == nil)
      #expect(try await bench.asTenant(1) { try await other.job(tenant: 1, id: job.id, in: $0) } == nil)
      await #expect(throws: JobQueueError.notFound(id: job.id)) {
        try await bench.asTenant(1) { _ = try await other.cancel(tenant: 1, id: job.id, in: $0) }
      }
    }
  }

  /// Claims all jobs, from several tasks at once.
  private func claimAll(_ bench: Bench, claimers: Int) async throws -> [Lease] {
    try await withThrowingTaskGroup(of: [Lease].self) { group in
      for number in 0..<claimers {
        group.addTask {
          var leases: [Lease] = []
          while let lease = try await bench.queue.claim(worker: "w\(number)") { leases.append(lease) }
          return leases
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }
}
