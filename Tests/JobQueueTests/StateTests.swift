import Foundation
import JobQueue
import PostgreSQL
import Testing

/// Every transition of docs/jobs.md.
@Suite struct StateTests {
  let trouble = JobErrorRecord(type: "trouble", detail: "Something transient happened.")

  @Test func `queued to running to succeeded, together with the handler's writes`() async throws {
    try await withQueue { bench in
      try await bench.admin.pipeline([
        "CREATE TABLE notes (text text)", "GRANT ALL ON notes TO queue_app",
      ])
      let job = try await bench.enqueue()
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      #expect(lease.job.id == job.id && lease.job.state == .running && lease.job.attempt == 1)
      #expect(lease.job.startedAt != nil)
      try await bench.asTenant(1) { transaction in
        try await transaction.query("INSERT INTO notes VALUES ('done')")
        try await bench.queue.succeed(lease, result: JSONB(["version": 3]), in: transaction)
      }
      let ended = try #require(try await bench.job(job))
      #expect(ended.state == .succeeded && ended.progress == 1 && ended.finishedAt != nil)
      #expect(try ended.result?.decode([String: Int].self) == ["version": 3])

      // A second end is refused, and nothing that came with it is kept.
      await #expect(throws: JobQueueError.leaseLost(id: job.id)) {
        try await bench.asTenant(1) { transaction in
          try await transaction.query("INSERT INTO notes VALUES ('again')")
          try await bench.queue.succeed(lease, result: nil, in: transaction)
        }
      }
      #expect(
        try await bench.admin.query("SELECT text FROM notes").map { try $0.decode(String.self) } == ["done"])
    }
  }

  @Test func `running to queued after a transient failure, in the end to failed, with every failure kept`()
    async throws
  {
    try await withQueue { bench in
      let job = try await bench.enqueue(maxAttempts: 3)
      for attempt in 1...3 {
        let lease = try #require(try await bench.queue.claim(worker: "w"))
        #expect(lease.job.attempt == attempt)
        let state = try await bench.queue.fail(lease, trouble, retry: true)
        let read = try #require(try await bench.job(job))
        #expect(read.state == state && read.attempt == attempt)
        if attempt < 3 {
          #expect(state == .queued && read.error == nil && read.finishedAt == nil && read.startedAt == nil)
          // The pause grows: 5 s and 10 s, each less a random half.
          let pause = read.runAt.timeIntervalSinceNow
          #expect(pause > 1.5 * Double(attempt) && pause <= 5.0 * Double(attempt))
          #expect(try await bench.queue.claim(worker: "w") == nil)
          try await bench.skipPauses()
        } else {
          #expect(state == .failed && read.error == trouble && read.finishedAt != nil)
        }
      }
      let reasons = try #require(try await bench.job(job)).failures
      #expect(reasons.map(\.type) == ["trouble", "trouble", "trouble"])
      #expect(reasons.map(\.attempt) == [1, 2, 3])
    }
  }

  @Test func `running to failed at once when the failure is final`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      #expect(try await bench.queue.fail(lease, trouble, retry: false) == .failed)
      #expect(try await bench.job(job)?.error == trouble)
      await #expect(throws: JobQueueError.leaseLost(id: job.id)) {
        try await bench.queue.fail(lease, trouble, retry: true)
      }
    }
  }

  @Test func `running to queued when handed back, without using up the attempt`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(maxAttempts: 1)
      for _ in 0..<3 {
        let lease = try #require(try await bench.queue.claim(worker: "w"))
        #expect(lease.job.attempt == 1)
        #expect(try await bench.queue.release(lease) == .queued)
        #expect(try await bench.job(job)?.attempt == 0)
      }
    }
  }

  @Test func `queued to cancelled at once, and never claimed`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      #expect(try await bench.cancel(job).state == .cancelled)
      #expect(try await bench.job(job)?.error?.type == "cancelled")
      #expect(try await bench.queue.claim(worker: "w") == nil)
      await #expect(throws: JobQueueError.alreadyFinished(.cancelled)) { try await bench.cancel(job) }
    }
  }

  @Test(arguments: ["succeed", "fail", "retry", "release", "rescue"])
  func `running to cancelled whatever the worker does next`(_ next: String) async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      let asked = try await bench.cancel(job)
      #expect(asked.state == .running && asked.cancelRequested)
      #expect(try await bench.cancel(job).state == .running)
      switch next {
      case "succeed":
        await #expect(throws: JobQueueError.cancelRequested(id: job.id)) { try await bench.succeed(lease) }
        #expect(try await bench.queue.fail(lease, trouble, retry: false) == .cancelled)
      case "fail": #expect(try await bench.queue.fail(lease, trouble, retry: false) == .cancelled)
      case "retry": #expect(try await bench.queue.fail(lease, trouble, retry: true) == .cancelled)
      case "release": #expect(try await bench.queue.release(lease) == .cancelled)
      default:
        try await bench.expireLeases()
        #expect(try await bench.queue.rescue() == 1)
      }
      let read = try #require(try await bench.job(job))
      #expect(read.state == .cancelled && read.finishedAt != nil && read.result == nil)
    }
  }

  @Test func `an ended job cannot be cancelled, and a missing one is not found`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      try await bench.succeed(lease)
      await #expect(throws: JobQueueError.alreadyFinished(.succeeded)) { try await bench.cancel(job) }
      var missing = job
      missing.id = 999
      await #expect(throws: JobQueueError.notFound(id: 999)) { try await bench.cancel(missing) }
    }
  }

  @Test(arguments: ["retry", "release", "rescue"])
  func `a coalesced job that goes back to the queue takes the place of one queued meanwhile`(_ way: String)
    async throws
  {
    try await withQueue { bench in
      let first = try await bench.enqueue(coalesce: true, parameters: #"{"n": 1}"#)
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      let second = try await bench.enqueue(coalesce: true, parameters: #"{"n": 2}"#)
      #expect(second.id != first.id)
      switch way {
      case "retry": try await bench.queue.fail(lease, trouble, retry: true)
      case "release": try await bench.queue.release(lease)
      default:
        try await bench.expireLeases()
        try await bench.queue.rescue()
      }
      let (kept, gone) = (try #require(try await bench.job(first)), try #require(try await bench.job(second)))
      #expect(kept.state == .queued)
      #expect(try kept.parameters.decode([String: Int].self) == ["n": 2])
      #expect(gone.state == .cancelled && gone.error?.type == "superseded")
      #expect(try await bench.enqueue(coalesce: true).id == first.id)
    }
  }

  @Test func `ended jobs are pruned by age, others never`() async throws {
    try await withQueue { bench in
      let ended = try await bench.enqueue(subject: 1)
      try await bench.succeed(try #require(try await bench.queue.claim(worker: "w")))
      let recent = try await bench.enqueue(subject: 2)
      try await bench.succeed(try #require(try await bench.queue.claim(worker: "w")))
      let waiting = try await bench.enqueue(subject: 3)
      try await bench.admin.query(
        """
        UPDATE jobs SET created_at = now() - interval '9 days', run_at = now() - interval '9 days',
          finished_at = CASE WHEN id = \(ended.id) THEN now() - interval '8 days' ELSE finished_at END
        """)
      #expect(try await bench.queue.prune(olderThan: .seconds(7 * 86_400)) == 1)
      #expect(try await bench.job(ended) == nil)
      #expect(try await bench.state(recent) == .succeeded)
      #expect(try await bench.state(waiting) == .queued)
    }
  }

  @Test func `a subject's jobs are listed newest first, page by page`() async throws {
    try await withQueue { bench in
      var ids: [Int64] = []
      for _ in 0..<5 { ids.append(try await bench.enqueue().id) }
      try await bench.enqueue(subject: 2)
      let (first, second) = try await bench.asTenant(1) { transaction in
        let first = try await bench.queue.jobs(tenant: 1, subject: 1, limit: 3, in: transaction)
        let second = try await bench.queue.jobs(
          tenant: 1, subject: 1, before: first.last?.id, limit: 3, in: transaction)
        return (first.map(\.id), second.map(\.id))
      }
      #expect(first + second == ids.reversed())
      #expect(first.count == 3)
    }
  }
}
