import Foundation
import PostgreSQL
import Synchronization
import Testing

import TestSupport
@testable import JobQueue

/// Tenants that a worker passes over for a while.
@Suite struct RestTests {
  @Test func `a tenant that rests is passed over, whatever waits`() async throws {
    try await withQueue { bench in
      try await bench.enqueue(tenant: 1)
      try await bench.enqueue(tenant: 2)
      let lease = try #require(try await bench.queue.claim(worker: "w", passingOver: [1]))
      #expect(lease.job.tenant == 2)
      #expect(try await bench.queue.claim(worker: "w", passingOver: [1, 2]) == nil)
      #expect(try await bench.queue.claim(worker: "w")?.job.tenant == 1)
    }
  }

  @Test func `a tenant rests after its job, and its next one runs when it has rested`()
    async throws
  {
    let order = Mutex<[(tenant: Int32, time: ContinuousClock.Instant)]>([])
    try await withQueue { bench in
      for subject in 1...2 { try await bench.enqueue(tenant: 1, subject: Int64(subject)) }
      for subject in 1...3 { try await bench.enqueue(tenant: 2, subject: Int64(subject)) }
      let worker = Worker(
        queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet,
        rest: { job, _ in job.tenant == 1 ? .seconds(3) : .zero },
        handler: { context in order.withLock { $0.append((context.job.tenant, .now)) } })
      let working = Task { try await worker.run() }
      _ = try await eventually { order.withLock { $0.count == 5 } ? true : nil }
      working.cancel()
      _ = await working.result
    }
    let done = order.withLock { $0 }
    let resting = done.filter { $0.tenant == 1 }.map(\.time)
    #expect(resting[1] - resting[0] >= .seconds(3))
  }
}
