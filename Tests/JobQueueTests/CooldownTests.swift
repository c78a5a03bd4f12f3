import Foundation
import PostgreSQL
import Synchronization
import Testing

import TestSupport
@testable import JobQueue

/// Tenants that a worker skips for a while.
@Suite struct CooldownTests {
  @Test func `a skipped tenant gets no job, whatever waits`() async throws {
    try await withQueue { bench in
      try await bench.enqueue(tenant: 1)
      try await bench.enqueue(tenant: 2)
      let lease = try #require(try await bench.queue.claim(worker: "w", passingOver: [1]))
      #expect(lease.job.tenant == 2)
      #expect(try await bench.queue.claim(worker: "w", passingOver: [1, 2]) == nil)
      #expect(try await bench.queue.claim(worker: "w")?.job.tenant == 1)
    }
  }

  @Test func `a tenant's next job runs after its cooldown`()
    async throws
  {
    let order = Mutex<[(tenant: Int32, time: ContinuousClock.Instant)]>([])
    try await withQueue { bench in
      for subject in 1...2 { try await bench.enqueue(tenant: 1, subject: Int64(subject)) }
      for subject in 1...3 { try await bench.enqueue(tenant: 2, subject: Int64(subject)) }
      let worker = Worker(
        queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet,
        cooldown: { job, _ in job.tenant == 1 ? .seconds(3) : .zero },
        handler: { context in order.withLock { $0.append((context.job.tenant, .now)) } })
      let working = Task { try await worker.run() }
      _ = try await eventually { order.withLock { $0.count == 5 } ? true : nil }
      working.cancel()
      _ = await working.result
    }
    let done = order.withLock { $0 }
    let starts = done.filter { $0.tenant == 1 }.map(\.time)
    #expect(starts[1] - starts[0] >= .seconds(3))
  }
}
