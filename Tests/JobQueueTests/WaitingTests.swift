import Foundation
import JobQueue
import PostgreSQL
import Testing

/// The coalesced job that waits for a subject: requests that join it, reschedule it and cancel it.
@Suite struct WaitingTests {
  let trouble = JobErrorRecord(type: "trouble", detail: "Something transient happened.")

  @Test func `a delay is counted by the database's clock`() async throws {
    try await withQueue { bench in
      let new = NewJob(tenant: 1, subject: 1, origin: "auto", parameters: empty, delay: .seconds(90))
      let job = try await bench.asTenant(1) { try await bench.queue.enqueue(new, in: $0) }
      #expect(abs(job.runAt.timeIntervalSince(job.createdAt) - 90) < 0.001)
    }
  }

  @Test func `a request that joins a job does not cut short its pause after a failure`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(coalesce: true)
      try await bench.queue.fail(try #require(try await bench.queue.claim(worker: "w")), trouble, retry: true)
      let paused = try #require(try await bench.job(job))
      let joined = try await bench.enqueue(coalesce: true)
      #expect(joined.id == job.id && joined.runAt == paused.runAt)
      #expect(try await bench.queue.claim(worker: "w") == nil)
      // A pause that is over is none.
      try await bench.skipPauses()
      try await bench.enqueue(coalesce: true)
      #expect(try await bench.queue.claim(worker: "w")?.job.id == job.id)
    }
  }

  @Test func `a job that was joined after a failure has as many further attempts as a new one`() async throws
  {
    try await withQueue { bench in
      let job = try await bench.enqueue(maxAttempts: 2, coalesce: true)
      try await failOnce(bench)
      try await bench.enqueue(maxAttempts: 2, coalesce: true)
      for _ in 0..<2 {
        #expect(try await bench.state(job) == .queued)
        try await failOnce(bench)
      }
      let ended = try #require(try await bench.job(job))
      #expect(ended.state == .failed && ended.failures.map(\.attempt) == [1, 2, 3])
    }
  }

  @Test func `a job that supersedes another takes its attempts, too`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(maxAttempts: 2, coalesce: true)
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      try await bench.enqueue(maxAttempts: 2, coalesce: true)
      try await bench.queue.fail(lease, trouble, retry: true)
      try await bench.skipPauses()
      for _ in 0..<2 {
        #expect(try await bench.state(job) == .queued)
        try await failOnce(bench)
      }
      #expect(try await bench.state(job) == .failed)
    }
  }

  @Test func `the failures of a job that is joined again and again stay bounded`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(coalesce: true)
      for _ in 0..<AttemptFailure.kept + 3 {
        try await failOnce(bench)
        try await bench.enqueue(coalesce: true)
      }
      let read = try #require(try await bench.job(job))
      #expect(read.failures.map(\.attempt) == Array(4...AttemptFailure.kept + 3))
    }
  }

  @Test func `a waiting job is rescheduled in both directions, counted from its creation`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(runAt: Date(timeIntervalSinceNow: 600), coalesce: true)
      for delay in [60, 3_600, 0] {
        let new = NewJob(
          tenant: 1, subject: 1, origin: "auto", parameters: empty, delay: .seconds(delay), coalesce: true)
        let moved = try await bench.asTenant(1) {
          try await bench.queue.enqueue(new, reschedules: true, in: $0)
        }
        #expect(moved.id == job.id)
        if delay > 0 {
          #expect(abs(moved.runAt.timeIntervalSince(job.createdAt) - Double(delay)) < 0.001)
          #expect(try await bench.queue.claim(worker: "w") == nil)
        }
      }
      #expect(try await bench.queue.claim(worker: "w")?.job.id == job.id)
    }
  }

  @Test func `a waiting job is cancelled, with a reason, and no other`() async throws {
    try await withQueue { bench in
      let manual = try await bench.enqueue()
      let other = try await bench.enqueue(subject: 2, coalesce: true)
      let job = try await bench.enqueue(coalesce: true)
      try await bench.asTenant(1) { tx in
        let waiting = try await bench.queue.waiting(tenant: 1, subject: 1, in: tx)
        // No worker claims it meanwhile.
        let claimed = try await bench.queue.claim(worker: "w")
        try await bench.queue.cancelWaiting(tenant: 1, subject: 1, trouble, in: tx)
        let left = try await bench.queue.waiting(tenant: 1, subject: 1, in: tx)
        #expect(waiting?.id == job.id && claimed?.job.id == manual.id && left == nil)
      }
      let ended = try #require(try await bench.job(job))
      #expect(ended.state == .cancelled && ended.error == trouble && ended.finishedAt != nil)
      #expect(ended.transitions.map(\.state) == [.queued, .cancelled])
      #expect(try await bench.state(other) == .queued)
      #expect(try await bench.enqueue(coalesce: true).id != job.id)
    }
  }

  private let empty = JSONB(bytes: Data("{}".utf8))

  private func failOnce(_ bench: Bench) async throws {
    try await bench.skipPauses()
    try await bench.queue.fail(try #require(try await bench.queue.claim(worker: "w")), trouble, retry: true)
  }
}
