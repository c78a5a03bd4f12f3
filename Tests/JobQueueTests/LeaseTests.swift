import Foundation
import PostgreSQL
import Testing

@testable import JobQueue

@Suite struct LeaseTests {
  @Test func `an expired job goes to the next worker, and the first one's result is refused`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      let late = try #require(try await bench.queue.claim(worker: "slow"))
      #expect(try await bench.queue.rescue() == 0)
      try await bench.expireLeases()
      #expect(try await bench.queue.rescue() == 1)
      let next = try #require(try await bench.queue.claim(worker: "quick"))
      #expect(next.job.id == job.id && next.job.attempt == 2 && next.token != late.token)

      await #expect(throws: JobQueueError.leaseLost(id: job.id)) { try await bench.succeed(late) }
      await #expect(throws: JobQueueError.leaseLost(id: job.id)) { try await bench.queue.release(late) }
      let renewals = [late, next].map {
        LeaseRenewal(lease: $0, progress: Progress(fraction: 0.5, phase: "x"))
      }
      let results = try await bench.queue.transaction { try await bench.queue.renew(renewals, in: $0) }
      #expect(results == [.lost, .renewed])
      try await bench.succeed(next)
      #expect(try await bench.state(job) == .succeeded)
    }
  }

  @Test func `a job whose workers keep dying fails in the end`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(maxAttempts: 2)
      for _ in 0..<2 {
        _ = try #require(try await bench.queue.claim(worker: "w"))
        try await bench.expireLeases()
        #expect(try await bench.queue.rescue() == 1)
      }
      let read = try #require(try await bench.job(job))
      #expect(read.state == .failed && read.error == .workerLost)
    }
  }

  @Test func `a job that has lost two workers in a row has failed, whatever attempts are left`() async throws
  {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      for _ in 0..<2 {
        _ = try #require(try await bench.queue.claim(worker: "w"))
        try await bench.expireLeases()
        #expect(try await bench.queue.rescue() == 1)
      }
      let read = try #require(try await bench.job(job))
      #expect(read.state == .failed && read.attempt == 2 && read.maxAttempts > 2)
      #expect(
        read.error?.type == "worker-lost" && read.failures.map(\.type) == ["worker-lost", "worker-lost"])
    }
  }

  @Test func `a heartbeat renews, stores progress and returns requests for cancellation`() async throws {
    try await withQueue { bench in
      let jobs = [try await bench.enqueue(subject: 1), try await bench.enqueue(subject: 2)]
      var leases: [Lease] = []
      while let lease = try await bench.queue.claim(worker: "w") { leases.append(lease) }
      leases.sort { $0.job.id < $1.job.id }
      try await bench.expireLeases()
      try await bench.cancel(jobs[1])
      let results = try await bench.queue.transaction {
        try await bench.queue.renew(
          [
            LeaseRenewal(lease: leases[0], progress: Progress(fraction: 0.25, phase: "fitting")),
            LeaseRenewal(lease: leases[1], progress: nil),
          ], in: $0)
      }
      #expect(results == [.renewed, .cancelRequested])
      #expect(try await bench.queue.rescue() == 0)
      let read = try #require(try await bench.job(jobs[0]))
      #expect(read.progress == 0.25 && read.phase == "fitting")
    }
  }

  @Test func `a job that is just being ended is neither rescued nor blocks other heartbeats`()
    async throws
  {
    try await withQueue { bench in
      for subject in 1...2 { try await bench.enqueue(subject: Int64(subject)) }
      let ending = try #require(try await bench.queue.claim(worker: "w"))
      let other = try #require(try await bench.queue.claim(worker: "w"))
      try await bench.expireLeases()
      try await bench.asTenant(1) { transaction in
        try await bench.queue.succeed(ending, result: nil, in: transaction)
        let renewals = [ending, other].map { LeaseRenewal(lease: $0, progress: nil) }
        let results = try await bench.queue.transaction { try await bench.queue.renew(renewals, in: $0) }
        #expect(results == [.renewed, .renewed])
        #expect(try await bench.queue.rescue() == 0)
      }
      #expect(try await bench.state(ending.job) == .succeeded)
      #expect(try await bench.state(other.job) == .running)
    }
  }
}
