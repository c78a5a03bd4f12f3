import Foundation
import PostgreSQL
import Synchronization
import Testing

import TestSupport
@testable import JobQueue

@Suite struct WorkerTests {
  @Test func `jobs run as they come, and their results are kept`() async throws {
    try await withQueue { bench in
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 2, logger: .quiet) {
        context in
        context.report(0.5, phase: "half")
        let subject = context.job.subject
        try await bench.asTenant(context.job.tenant) {
          try await context.finish(["subject": subject], in: $0)
        }
      }
      try await running(worker) {
        for subject in 1...6 {
          let job = try await bench.enqueue(tenant: Int32(subject % 3), subject: Int64(subject))
          let ended = try await eventually { try await self.ended(job, bench) }
          #expect(ended.state == .succeeded && ended.phase == nil)
          #expect(try ended.result?.decode([String: Int].self) == ["subject": subject])
        }
      }
    }
  }

  @Test func `a handler that just returns has succeeded`() async throws {
    try await withQueue { bench in
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet) { _ in }
      try await running(worker) {
        let job = try await bench.enqueue()
        #expect(try await eventually { try await self.ended(job, bench) }.state == .succeeded)
      }
    }
  }

  @Test func `the type of an error decides between a retry and a failure, shown or hidden`() async throws {
    struct Passing: RetryableJobError {}
    struct Final: DescribedJobError {
      var type: String { "one-class" }
      var detail: String { "All labels are the same." }
    }
    struct Secret: Error {}
    var configuration = JobQueue.Configuration()
    configuration.firstRetryDelay = .milliseconds(10)
    try await withQueue(configuration: configuration) { bench in
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 4, logger: .quiet) {
        context in
        switch context.job.subject {
        case 1: if context.job.attempt < 3 { throw Passing() }
        case 2: throw Final()
        case 3: throw Secret()
        default: throw Passing()
        }
      }
      try await running(worker) {
        var ended: [Job] = []
        for subject in 1...4 {
          let job = try await bench.enqueue(subject: Int64(subject), maxAttempts: 3)
          ended.append(try await eventually { try await self.ended(job, bench) })
        }
        #expect(ended.map(\.state) == [.succeeded, .failed, .failed, .failed])
        #expect(ended.map(\.attempt) == [3, 1, 1, 3])
        #expect(ended[1].error == JobErrorRecord(type: "one-class", detail: "All labels are the same."))
        #expect(ended[2].error == .internalError && ended[3].error == .internalError)
      }
    }
  }

  @Test func `a running job that is cancelled stops, and its result does not count`() async throws {
    try await withQueue { bench in
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 2, logger: .quiet) {
        context in
        if context.job.subject == 1 {
          // Looks at its task, as waiting for a database does.
          try await Task.sleep(for: .seconds(600))
        } else {
          // Looks at nothing but the flag, as a computation does, and then would finish all the same.
          while !context.isCancelled { usleep(10_000) }
          try await bench.asTenant(1) { try await context.finish(["a": 1], in: $0) }
        }
      }
      try await running(worker) {
        for subject in 1...2 {
          let job = try await bench.enqueue(subject: Int64(subject))
          _ = try await eventually { try await bench.state(job) == .running ? true : nil }
          #expect(try await bench.cancel(job).state == .running)
          let ended = try await eventually { try await self.ended(job, bench) }
          #expect(ended.state == .cancelled && ended.result == nil)
        }
      }
    }
  }

  @Test func `leases live on while handlers block every thread of the pool`() async throws {
    var configuration = JobQueue.Configuration()
    configuration.lease = .seconds(3)
    try await withQueue(configuration: configuration) { bench in
      let cores = ProcessInfo.processInfo.activeProcessorCount
      configuration.runningPerTenant = cores
      let blocked = Mutex(0)
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: cores, logger: .quiet) {
        context in
        // All threads at once: the last to come begins the blocking.
        blocked.withLock { $0 += 1 }
        while blocked.withLock({ $0 }) < cores { try await Task.sleep(for: .milliseconds(10)) }
        usleep(9_000_000)
      }
      try await running(worker) {
        var jobs: [Job] = []
        for subject in 0..<cores { jobs.append(try await bench.enqueue(tenant: Int32(subject), subject: 1)) }
        for job in jobs {
          let ended = try await eventually { try await self.ended(job, bench) }
          #expect(ended.state == .succeeded && ended.attempt == 1)
        }
      }
    }
  }

  @Test func `a worker that shuts down hands its jobs back, also one whose handler ignores cancellation`()
    async throws
  {
    try await withQueue { bench in
      let isOver = Mutex(false)
      defer { isOver.withLock { $0 = true } }
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 2, logger: .quiet) {
        context in
        if context.job.subject == 1 {
          try await Task.sleep(for: .seconds(600))
        } else {
          // Ignores cancellation, and returns late with a result.
          await withCheckedContinuation { continuation in
            Thread.detachNewThread {
              while !isOver.withLock({ $0 }) { usleep(10_000) }
              continuation.resume()
            }
          }
          try await bench.asTenant(1) { try await context.finish(["late": 1], in: $0) }
        }
      }
      let jobs = [try await bench.enqueue(subject: 1), try await bench.enqueue(subject: 2)]
      try await running(worker) {
        for job in jobs { _ = try await eventually { try await bench.state(job) == .running ? true : nil } }
      }
      for job in jobs {
        let read = try #require(try await bench.job(job))
        #expect(read.state == .queued && read.attempt == 0)
        #expect(try await bench.queue.claim(worker: "next") != nil)
      }
    }
  }

  @Test func `a worker claims the jobs of a dead one`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      _ = try await bench.queue.claim(worker: "dead")
      try await bench.expireLeases()
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet) { _ in }
      try await running(worker) {
        let ended = try await eventually { try await self.ended(job, bench) }
        #expect(ended.state == .succeeded && ended.attempt == 2)
      }
    }
  }

  @Test func `a worker survives the loss of all its connections`() async throws {
    try await withQueue { bench in
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet) { _ in
        try await Task.sleep(for: .milliseconds(300))
      }
      try await running(worker) {
        for subject in 1...3 {
          let job = try await bench.enqueue(subject: Int64(subject))
          _ = try await eventually { try await bench.state(job) == .running ? true : nil }
          try await bench.admin.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """)
          let ended = try await eventually { try? await self.ended(job, bench) }
          #expect(ended.state == .succeeded)
        }
      }
    }
  }

  @Test func `watchers are notified of every transition and of progress`() async throws {
    try await withQueue { bench in
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet) {
        context in
        context.report(0.4, phase: "fitting")
        try await eventually { try await bench.job(context.job)?.progress == 0.4 }
      }
      let listener = Listener(
        bench.connection, channels: [bench.queue.configuration.channels.events], logger: .quiet)
      var job: Job?
      var heard: [String] = []
      try await running(worker) {
        for await event in listener.events() {
          switch event {
          case .connected: job = try await bench.enqueue(tenant: 3, subject: 8)
          case .notification(_, let payload, _): heard.append(payload)
          case .disconnected, .alive: break
          }
          if heard.last?.hasSuffix("succeeded") == true { break }
        }
      }
      let prefix = "3:training:8:\(try #require(job).id):"
      #expect(heard == ["queued", "running", "running", "succeeded"].map { prefix + $0 })
    }
  }

  private func ended(_ job: Job, _ bench: Bench) async throws -> Job? {
    try await bench.job(job).flatMap { $0.state.isFinal ? $0 : nil }
  }

  private func running(_ worker: Worker, _ body: () async throws -> Void) async throws {
    let run = Task { try await worker.run() }
    try await withCleanup {
      run.cancel()
      try await run.value
    } _: {
      try await body()
    }
  }
}
