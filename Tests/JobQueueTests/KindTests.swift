import Foundation
import JobQueue
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// Queues of two kinds in one table: a second kind of job is a queue of that kind, and a worker with a handler.
@Suite struct KindTests {
  @Test(.timeLimit(.minutes(10)))
  func `workers of two kinds run their own jobs alone`() async throws {
    try await withQueue { bench in
      let trainings = bench.queue
      let exports = bench.queue.ofKind("export")
      let done = Mutex<[String: [Int64]]>([:])
      let workers = [(trainings, "training"), (exports, "export")].map { queue, name in
        Worker(queue: queue, connection: bench.connection, slots: 2, name: name, logger: .quiet) { context in
          done.withLock { $0[name, default: []].append(context.job.id) }
        }
      }
      var expected: [String: Set<Int64>] = [:]
      for subject in 1...5 {
        for queue in [trainings, exports] {
          let job = try await enqueue(queue, subject: Int64(subject), bench)
          expected[queue.kind, default: []].insert(job.id)
        }
      }
      let runs = workers.map { worker in Task { try await worker.run() } }
      _ = try await eventually { done.withLock { $0.values.reduce(0) { $0 + $1.count } == 10 } ? true : nil }
      for run in runs { run.cancel() }
      for run in runs { try await run.value }
      #expect(done.withLock { $0.mapValues(Set.init) } == expected)
      let names = try await bench.admin.query("SELECT DISTINCT kind, worker FROM jobs ORDER BY kind").map {
        try $0.decode(String.self, String.self)
      }
      #expect(names.map(\.0) == ["export", "training"] && names.map(\.1) == ["export", "training"])
    }
  }

  @Test func `limits and turns of tenants hold for each kind by itself`() async throws {
    var configuration = JobQueue.Configuration()
    configuration.runningPerTenant = 2
    try await withQueue(configuration: configuration) { bench in
      let exports = bench.queue.ofKind("export")
      for tenant in [1, 2] as [Int32] {
        for subject in 1...4 {
          try await bench.enqueue(tenant: tenant, subject: Int64(subject))
          try await enqueue(exports, tenant: tenant, subject: Int64(subject), bench)
        }
      }
      // Trainings of a subject do not stop its exports, and a tenant at its limit of trainings has its exports run.
      var turns: [String: [Int32]] = [:]
      for queue in [bench.queue, exports] {
        while let lease = try await queue.claim(worker: "w") {
          #expect(lease.job.kind == queue.kind)
          turns[queue.kind, default: []].append(lease.job.tenant)
        }
      }
      #expect(turns == ["training": [1, 2, 1, 2], "export": [1, 2, 1, 2]])
      for queue in [bench.queue, exports] {
        let counts = try await bench.asTenant(1) { tx in
          try await tx.pipeline([
            JobQueue.runningCount(tenant: 1, kind: queue.kind),
            JobQueue.waitingCount(tenant: 1, kind: queue.kind),
          ]).map { try $0.first?.decode(Int.self) }
        }
        #expect(counts == [2, 2])
        let statistics = try await queue.statistics()
        #expect(statistics.running == 4 && statistics.queued == 4)
      }
      try await bench.asTenant(1) { try await JobQueue.setLimit(tenant: 1, running: 3, in: $0) }
      #expect(try await exports.claim(worker: "w")?.job.tenant == 1)
      #expect(try await exports.claim(worker: "w") == nil)
    }
  }

  @Test func `coalescing, leases and retention are those of one kind`() async throws {
    try await withQueue { bench in
      let exports = bench.queue.ofKind("export")
      let training = try await bench.enqueue(coalesce: true)
      let export = try await enqueue(exports, subject: 1, coalesce: true, bench)
      #expect(training.id != export.id)
      #expect(try await bench.queue.waitingSubjects(of: [1, 2]) == [1: [1]])
      let lease = try #require(try await exports.claim(worker: "w"))
      #expect(try await exports.waitingSubjects(of: [1]) == [:])
      try await bench.expireLeases()
      #expect(try await bench.queue.rescue() == 0)
      #expect(try await exports.rescue() == 1)
      #expect(try await exports.claim(worker: "w")?.job.id == lease.job.id)
      try await bench.admin.query(
        """
        UPDATE jobs SET state = 'cancelled', finished_at = now() - interval '1 day', lease_token = NULL,
                        lease_expires_at = NULL
        """)
      #expect(try await bench.queue.prune(olderThan: .seconds(60)) == 1)
      #expect(
        try await bench.admin.query("SELECT kind FROM jobs").map { try $0.decode(String.self) } == ["export"])
    }
  }

  @Test func `the activity of a subject is that of one kind`() async throws {
    try await withQueue { bench in
      let exports = bench.queue.ofKind("export")
      try await bench.enqueue(coalesce: true)
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      try await enqueue(exports, subject: 1, coalesce: true, bench)
      let (training, export) = try await bench.asTenant(1) { tx in
        let results = try await tx.pipeline(
          ["training", "export"].map { JobQueue.activity(tenant: 1, kind: $0, subject: 1) })
        return (try JobQueue.SubjectActivity(results[0]), try JobQueue.SubjectActivity(results[1]))
      }
      #expect(training.isRunning && training.startedAt == lease.job.startedAt && !training.isWaiting)
      #expect(!export.isRunning && export.startedAt == nil && export.isWaiting)
    }
  }

  @discardableResult
  private func enqueue(
    _ queue: JobQueue, tenant: Int32 = 1, subject: Int64, coalesce: Bool = false, _ bench: Bench
  ) async throws -> Job {
    let new = NewJob(
      tenant: tenant, subject: subject, origin: "manual", parameters: JSONB(bytes: Data("{}".utf8)),
      coalesce: coalesce)
    return try await bench.asTenant(tenant) { try await queue.enqueue(new, in: $0) }
  }
}
