import Foundation
import JobQueue
import PostgreSQL
import Testing

@Suite struct EnqueueTests {
  @Test func `a job exists when its transaction commits, with all that was asked for`() async throws {
    try await withQueue { bench in
      struct Cancelled: Error {}
      let new = NewJob(
        tenant: 1, subject: 7, origin: "manual", parameters: JSONB(bytes: Data(#"{"C": 1}"#.utf8)),
        priority: 3,
        maxAttempts: 2)
      await #expect(throws: Cancelled.self) {
        try await bench.asTenant(1) { transaction in
          try await bench.queue.enqueue(new, in: transaction)
          throw Cancelled()
        }
      }
      #expect(try await bench.queue.claim(worker: "w") == nil)

      let job = try await bench.asTenant(1) { try await bench.queue.enqueue(new, in: $0) }
      let read = try #require(try await bench.job(job))
      #expect(read.state == .queued && read.subject == 7 && read.origin == "manual" && read.priority == 3)
      #expect(read.kind == "training" && read.attempt == 0 && read.maxAttempts == 2 && read.progress == 0)
      #expect(try read.parameters.decode([String: Int].self) == ["C": 1])
      #expect(read.startedAt == nil && read.finishedAt == nil && read.result == nil && read.error == nil)
    }
  }

  @Test func `fifty coalesced requests at once make one job`() async throws {
    try await withQueue { bench in
      let ids = try await withThrowingTaskGroup(of: Int64.self) { group in
        for _ in 0..<50 { group.addTask { try await bench.enqueue(coalesce: true).id } }
        return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
      }
      #expect(ids.count == 1)
      #expect(try await bench.admin.query("SELECT count(*) FROM jobs").first?.decode(Int.self) == 1)
    }
  }

  @Test func `a coalesced request brings the waiting job forward, never back, and its parameters count`()
    async throws
  {
    try await withQueue { bench in
      let later = Date(timeIntervalSinceNow: 3600)
      let first = try await bench.enqueue(runAt: later, coalesce: true, parameters: #"{"n": 1}"#)
      #expect(try await bench.queue.claim(worker: "w") == nil)
      let second = try await bench.enqueue(coalesce: true, parameters: #"{"n": 2}"#)
      let third = try await bench.enqueue(runAt: later, coalesce: true, parameters: #"{"n": 3}"#)
      #expect(Set([first.id, second.id, third.id]).count == 1)
      #expect(third.runAt == second.runAt && third.runAt < later)
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      #expect(try lease.job.parameters.decode([String: Int].self) == ["n": 3])
    }
  }

  @Test func `coalescing is for one tenant's one subject, and leaves other jobs alone`() async throws {
    try await withQueue { bench in
      let one = try await bench.enqueue(coalesce: true)
      let manual = try await bench.enqueue()
      let otherSubject = try await bench.enqueue(subject: 2, coalesce: true)
      let otherTenant = try await bench.enqueue(tenant: 2, coalesce: true)
      #expect(Set([one.id, manual.id, otherSubject.id, otherTenant.id]).count == 4)
      #expect(try await bench.enqueue().id != manual.id)
    }
  }

  @Test func `a request after the start of a coalesced job makes the next one`() async throws {
    try await withQueue { bench in
      let first = try await bench.enqueue(coalesce: true)
      _ = try await bench.queue.claim(worker: "w")
      let second = try await bench.enqueue(coalesce: true)
      #expect(second.id != first.id)
      #expect(try await bench.enqueue(coalesce: true).id == second.id)
    }
  }
}
