import Foundation
import PostgreSQL
import TestSupport
import Testing

@testable import JobQueue

/// The whole state diagram of docs/jobs.md: every operation in every state, and no other transition.
@Suite struct EdgeTests {
  /// The situations of a job, for a worker with a lease of it.
  enum Situation: CaseIterable {
    /// Waiting; the lease is of an attempt that was handed back.
    case queued
    /// Running under the lease.
    case running
    /// Running under the lease, which has expired.
    case expired
    /// Running under the lease, cancellation requested.
    case cancelling
    /// Running under the lease of another worker.
    case lost
    case succeeded, failed, cancelled
  }

  /// The operations on a job.
  enum Operation: CaseIterable {
    case claim, renew, succeed, failForGood, failForNow, release, rescue, cancel
  }

  /// The queue's response.
  enum Answer: Equatable {
    case done, refused
  }

  /// All edges. Every other operation leaves the job as it is and is refused, or does nothing.
  static func edge(_ situation: Situation, _ operation: Operation) -> JobState? {
    switch (situation, operation) {
    case (.queued, .claim): .running
    case (.queued, .cancel): .cancelled
    case (.running, .succeed), (.expired, .succeed): .succeeded
    case (.running, .failForGood), (.expired, .failForGood): .failed
    case (.running, .failForNow), (.expired, .failForNow): .queued
    case (.running, .release), (.expired, .release): .queued
    case (.expired, .rescue): .queued
    case (.cancelling, .failForGood), (.cancelling, .failForNow), (.cancelling, .release): .cancelled
    default: nil
    }
  }

  /// Operations that are allowed without a transition.
  static func isAllowed(_ situation: Situation, _ operation: Operation) -> Bool {
    switch (situation, operation) {
    // These find nothing to do, or repeat a request.
    case (_, .claim), (_, .rescue): true
    case (.running, .renew), (.expired, .renew), (.cancelling, .renew): true
    case (.running, .cancel), (.expired, .cancel), (.cancelling, .cancel), (.lost, .cancel): true
    default: edge(situation, operation) != nil
    }
  }

  @Test(arguments: Situation.allCases, Operation.allCases)
  func edge(situation: Situation, operation: Operation) async throws {
    try await withQueue { bench in
      let lease = try await arrive(situation, bench)
      let before = try #require(try await bench.job(lease.job))
      let answer = try await apply(operation, lease, bench)
      let after = try #require(try await bench.job(lease.job))
      #expect(answer == (Self.isAllowed(situation, operation) ? .done : .refused))
      #expect(after.state == Self.edge(situation, operation) ?? before.state)
      if after.state == before.state {
        #expect(after.event == before.event)
        #expect(after.transitions == before.transitions)
        #expect(after.failures == before.failures)
      } else {
        #expect(after.event == before.event + 1)
        #expect(after.transitions.dropLast() == before.transitions[...])
        #expect(after.transitions.last?.state == after.state && after.transitions.last?.event == after.event)
      }
      #expect(after.state.isFinal == (after.finishedAt != nil))
    }
  }

  @Test func `a job shows every transition and every failure, and itself as it was`() async throws {
    try await withQueue { bench in
      let job = try await bench.enqueue(maxAttempts: 2)
      let asQueued = try #require(try await bench.job(job))
      let first = try #require(try await bench.queue.claim(worker: "w"))
      let asRunning = try #require(try await bench.job(job))
      try await bench.queue.fail(first, JobErrorRecord(type: "weather", detail: "It rained."), retry: true)
      try await bench.skipPauses()
      let second = try #require(try await bench.queue.claim(worker: "w"))
      try await bench.queue.fail(second, JobErrorRecord(type: "flood", detail: "It rained on."), retry: true)

      let ended = try #require(try await bench.job(job))
      #expect(ended.state == .failed && ended.error?.type == "flood")
      #expect(ended.failures.map(\.type) == ["weather", "flood"])
      #expect(ended.failures.map(\.attempt) == [1, 2])
      #expect(ended.failures.allSatisfy { abs($0.at?.timeIntervalSinceNow ?? 100) < 60 })
      #expect(ended.transitions.map(\.state) == [.queued, .running, .queued, .running, .failed])
      #expect(ended.transitions.map(\.event) == [1, 2, 3, 4, 5])
      for (then, move) in zip([asQueued, asRunning], ended.transitions) {
        let now = ended.asOf(move)
        #expect(now.state == then.state && now.event == then.event && now.attempt == then.attempt)
        #expect(now.progress == then.progress && now.phase == then.phase && now.failures == then.failures)
        #expect(now.finishedAt == nil && now.error == nil && now.result == nil)
        #expect((now.startedAt == nil) == (then.startedAt == nil))
        #expect(
          abs((now.startedAt ?? .distantPast).timeIntervalSince(then.startedAt ?? .distantPast)) < 0.001)
      }
    }
  }

  @Test func `however often a job is handed back, its transitions stay bounded and its events go on`()
    async throws
  {
    try await withQueue { bench in
      let job = try await bench.enqueue()
      for _ in 0..<60 { try await bench.queue.release(#require(try await bench.queue.claim(worker: "w"))) }
      let read = try #require(try await bench.job(job))
      #expect(read.event == 121 && read.transitions.count == JobTransition.kept)
      #expect(read.transitions.map(\.event) == Array(22...121))
      #expect(read.attempt == 0 && read.failures.isEmpty)
    }
  }

  @Test(
    arguments: [
      ("53200", true), ("53100", true), ("53300", true), ("57P01", true), ("57P03", true), ("08006", true),
      ("40001", true), ("40P01", true), ("55P03", true), ("58030", true), ("25006", true), ("25P03", true),
      ("23505", false), ("42P01", false), ("22003", false), ("42501", false),
    ])
  func `transient errors are distinguished from final ones`(state: String, isTransient: Bool) {
    let error = PostgreSQLError(.server, "?", sqlState: SQLState(rawValue: state))
    #expect(isRetryable(error) == isTransient)
  }

  @Test func `a worker that freezes in the middle of a transaction does not block the others`() async throws {
    var configuration = JobQueue.Configuration()
    configuration.lease = .milliseconds(500)
    try await withQueue(configuration: configuration) { bench in
      try await bench.enqueue()
      // Holds the advisory lock of claims, and stays idle.
      let frozen = Task {
        try await bench.queue.transaction { transaction in
          try await transaction.query("SELECT pg_advisory_xact_lock(1246712403, hashtext('training'))")
          try await Task.sleep(for: .seconds(600))
        }
      }
      try await eventually {
        try await bench.admin.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted").count > 0
      }
      #expect(try await bench.queue.claim(worker: "w") != nil)
      frozen.cancel()
      _ = await frozen.result
    }
  }

  private func arrive(_ situation: Situation, _ bench: Bench) async throws -> Lease {
    let job = try await bench.enqueue()
    let lease = try #require(try await bench.queue.claim(worker: "w"))
    switch situation {
    case .queued: try await bench.queue.release(lease)
    case .running: break
    case .expired: try await bench.expireLeases()
    case .cancelling: try await bench.cancel(job)
    case .lost:
      try await bench.expireLeases()
      try await bench.queue.rescue()
      _ = try #require(try await bench.queue.claim(worker: "other"))
    case .succeeded: try await bench.succeed(lease)
    case .failed: try await bench.queue.fail(lease, .internalError, retry: false)
    case .cancelled:
      try await bench.cancel(job)
      try await bench.queue.fail(lease, .internalError, retry: false)
    }
    return lease
  }

  private func apply(_ operation: Operation, _ lease: Lease, _ bench: Bench) async throws -> Answer {
    do {
      switch operation {
      case .claim: _ = try await bench.queue.claim(worker: "w")
      case .renew:
        let results = try await bench.queue.transaction {
          try await bench.queue.renew([LeaseRenewal(lease: lease, progress: nil)], in: $0)
        }
        if case .lost? = results.first { return .refused }
      case .succeed: try await bench.succeed(lease)
      case .failForGood: try await bench.queue.fail(lease, .internalError, retry: false)
      case .failForNow: try await bench.queue.fail(lease, .internalError, retry: true)
      case .release: try await bench.queue.release(lease)
      case .rescue: try await bench.queue.rescue()
      case .cancel: try await bench.cancel(lease.job)
      }
      return .done
    } catch is JobQueueError {
      return .refused
    }
  }
}
