import Foundation
import JobQueue
import PostgreSQL
import Synchronization
import Testing
import TestSupport

/// The outcome of attempts that a worker reports, by the job's new state and not by the handler's error.
@Suite struct OutcomeTests {
  private struct Passing: RetryableJobError {}
  private struct Final: Error {}

  @Test(.timeLimit(.minutes(10)), arguments: AttemptOutcome.allCases)
  func `an attempt is reported by the job's new state`(_ outcome: AttemptOutcome) async throws {
    try await withQueue { bench in
      let reported = Mutex<[AttemptOutcome]>([])
      let worker = Worker(
        queue: bench.queue, connection: bench.connection, slots: 1, logger: .quiet,
        onEnd: { _, outcome, _ in reported.withLock { $0.append(outcome) } }
      ) { context in
        switch outcome {
        case .succeeded: break
        case .failed: throw Final()
        case .retried: throw Passing()
        case .postponed: throw JobPostponed(after: .seconds(60), cause: Passing())
        case .cancelled, .handedBack, .lost:
          // An error of the handler's own, as interrupted work throws it.
          while !context.isCancelled { try? await Task.sleep(for: .milliseconds(10)) }
          throw Passing()
        }
      }
      let job = try await bench.enqueue()
      let run = Task { try await worker.run() }
      if [.cancelled, .handedBack, .lost].contains(outcome) {
        _ = try await eventually { try await bench.state(job) == .running ? true : nil }
      }
      switch outcome {
      case .cancelled: try await bench.cancel(job)
      case .lost:
        try await bench.admin.query(
          "UPDATE jobs SET lease_token = gen_random_uuid(), lease_expires_at = now() + interval '1 h'")
      case .handedBack: run.cancel()
      default: break
      }
      _ = try await eventually { reported.withLock { $0.isEmpty } ? nil : true }
      #expect(reported.withLock { $0.first } == outcome)
      let states: [AttemptOutcome: JobState] = [
        .succeeded: .succeeded, .failed: .failed, .cancelled: .cancelled, .retried: .queued,
        .handedBack: .queued, .postponed: .queued, .lost: .running,
      ]
      #expect(try await bench.state(job) == states[outcome])
      run.cancel()
      try await run.value
    }
  }
}
