import Foundation
import PostgreSQL
import Synchronization
import Testing
import TestSupport

@testable import JobQueue

/// Requests that join a waiting job, and workers that claim it meanwhile.
@Suite struct JoiningTests {
  @Test func `a job is claimed while transactions that have joined it are open`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(coalesce: true)
      try await bench.asTenant(1) { tx in
        let joined = try await bench.queue.enqueue(Self.new, in: tx)
        let lease = try await bench.queue.claim(worker: "w")
        #expect(joined.id == job.id && lease?.job.id == job.id)
      }
    }
  }

  @Test func `a request that changes the job locks it until its end`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(coalesce: true)
      var changed = Self.new
      changed.parameters = JSONB(bytes: Data(#"{"a":1}"#.utf8))
      try await bench.asTenant(1) { tx in
        let joined = try await bench.queue.enqueue(changed, in: tx)
        let lease = try await bench.queue.claim(worker: "w")
        #expect(joined.id == job.id && lease == nil)
      }
      let lease = try #require(try await bench.queue.claim(worker: "w"))
      #expect(try lease.job.parameters.decode([String: Int].self) == ["a": 1])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `an attempt sees what transactions that joined its job have written`() async throws {
    try await withQueue { bench in
      try await bench.admin.query("CREATE TABLE written (number int)")
      try await bench.admin.query("GRANT SELECT, INSERT ON written TO queue_app")
      try await bench.enqueue(coalesce: true)
      let attempt = try await bench.asTenant(1) { tx in
        try await bench.queue.enqueue(Self.new, in: tx)
        try await tx.query("INSERT INTO written VALUES (1)")
        let lease = try #require(try await bench.queue.claim(worker: "w"))
        let attempt = Task { try await Self.begin(lease, bench) }
        try await Self.waitForLock(bench)
        return attempt
      }
      #expect(try await attempt.value == 1)
    }
  }

  /// Begins an attempt, and returns the number of rows that it sees.
  private static func begin(_ lease: Lease, _ bench: Bench) async throws -> Int? {
    await bench.queue.awaitJoiners(of: lease.job, within: .seconds(100))
    return try await bench.pool.query("SELECT count(*) FROM written").first?.decode(Int.self)
  }

  @Test(.timeLimit(.minutes(10)))
  func `an attempt begins although a transaction that joined its job does not end`() async throws {
    try await withQueue { bench in
      let began = Mutex(false)
      let worker = Worker(queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet) { _ in
        began.withLock { $0 = true }
      }
      try await bench.enqueue(coalesce: true)
      try await bench.asTenant(1) { tx in
        try await bench.queue.enqueue(Self.new, in: tx)
        let run = Task { try await worker.run() }
        try await eventually { began.withLock(\.self) }
        run.cancel()
        try await run.value
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a change of the waiting job waits for transactions that have joined it`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(coalesce: true)
      let locking = try await bench.asTenant(1) { tx in
        try await bench.queue.enqueue(Self.new, in: tx)
        let locking = Task { try await Self.lockWaiting(bench) }
        try await Self.waitForLock(bench)
        return locking
      }
      #expect(try await locking.value == job.id)
    }
  }

  /// Waits until a transaction waits for an advisory lock.
  private static func waitForLock(_ bench: Bench) async throws {
    try await eventually {
      try await !bench.admin.query(
        """
        SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted
        """
      ).isEmpty
    }
  }

  private static func lockWaiting(_ bench: Bench) async throws -> Int64? {
    try await bench.asTenant(1) { try await bench.queue.waiting(tenant: 1, subject: 1, in: $0)?.id }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a postponed job goes back without an attempt, and others are done meanwhile`() async throws {
    struct Held: Error {}
    try await withQueue { bench in
      let held = Mutex(true)
      let outcomes = Mutex<[AttemptOutcome]>([])
      let worker = Worker(
        queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet,
        onEnd: { _, outcome, _ in outcomes.withLock { $0.append(outcome) } }
      ) { context in
        if context.job.tenant == 1, held.withLock(\.self) {
          throw JobPostponed(after: .milliseconds(200), cause: Held())
        }
      }
      let first = try await bench.enqueue(tenant: 1, maxAttempts: 1)
      let run = Task { try await worker.run() }
      try await eventually { outcomes.withLock { $0.count } >= 3 }
      let second = try await bench.enqueue(tenant: 2)
      try await eventually { try await bench.state(second) == .succeeded }
      let postponed = try #require(try await bench.job(first))
      #expect(postponed.attempt <= 1 && postponed.failures.isEmpty && postponed.error == nil)
      held.withLock { $0 = false }
      try await eventually { try await bench.state(first) == .succeeded }
      #expect(try await bench.job(first)?.attempt == 1)
      run.cancel()
      try await run.value
      #expect(outcomes.withLock { $0.first } == .postponed)
    }
  }

  private static let new = NewJob(
    tenant: 1, subject: 1, origin: "auto", parameters: JSONB(bytes: Data("{}".utf8)), coalesce: true)
}
