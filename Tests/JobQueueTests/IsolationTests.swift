import Foundation
import JobQueue
import PostgreSQL
import Testing

@Suite struct IsolationTests {
  @Test func `a tenant sees, cancels and changes its own jobs only, also without a filter`() async throws {
    try await withQueue { bench in
      let theirs = try await bench.enqueue(tenant: 1)
      let own = try await bench.enqueue(tenant: 2)
      try await bench.asTenant(2) { transaction in
        #expect(try await bench.queue.job(tenant: 1, id: theirs.id, in: transaction) == nil)
        #expect(try await bench.queue.jobs(tenant: 1, subject: 1, limit: 10, in: transaction).isEmpty)
        let seen = try await transaction.query("SELECT id FROM jobs").map { try $0.decode(Int64.self) }
        #expect(seen == [own.id])
        #expect(try await transaction.query("UPDATE jobs SET priority = 9").affectedRows == 1)
      }
      await #expect(throws: JobQueueError.notFound(id: theirs.id)) {
        try await bench.asTenant(2) { _ = try await bench.queue.cancel(tenant: 1, id: theirs.id, in: $0) }
      }
      #expect(try await bench.state(theirs) == .queued)
    }
  }

  @Test func `nobody can queue a job for another tenant`() async throws {
    try await withQueue { bench in
      let new = NewJob(tenant: 1, subject: 1, origin: "manual", parameters: JSONB(bytes: Data("{}".utf8)))
      for tenant in [2] as [Int32] {
        let error = await #expect(throws: PostgreSQLError.self) {
          try await bench.asTenant(tenant) { _ = try await bench.queue.enqueue(new, in: $0) }
        }
        #expect(error?.sqlState == .insufficientPrivilege)
      }
    }
  }

  @Test func `without a tenant there is nothing, and the queue's own view ends with its transaction`()
    async throws
  {
    try await withQueue { bench in
      try await bench.enqueue()
      _ = try await bench.queue.claim(worker: "w")
      for setting in ["SELECT 1", "SET LOCAL app.tenant = ''"] as [Query] {
        let count = try await bench.pool.transaction(setup: [setting]) {
          try await $0.query("SELECT count(*) FROM jobs").first?.decode(Int.self)
        }
        #expect(count == 0)
      }
      #expect(try await bench.pool.query("SELECT count(*) FROM jobs").first?.decode(Int.self) == 0)
    }
  }
}
