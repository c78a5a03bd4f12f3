import Foundation
import JobQueue
import PostgreSQL
import VerdictCore
import TestSupport

/// Measures the time from the commit of a job to its start by an idle worker.
struct WakeUpLatency {
  let fixture: TrainingFixture

  func run() async throws {
    let queue = JobQueue(pool: fixture.pool, kind: "nothing", logger: fixture.logger)
    let (begun, begin) = AsyncStream<ContinuousClock.Instant>.makeStream()
    let worker = Worker(queue: queue, connection: fixture.app, slots: 1, logger: fixture.logger) { _ in
      begin.yield(.now)
    }
    let run = Task { try await worker.run() }
    try await Task.sleep(for: .seconds(1))
    var times: [Double] = []
    var beginnings = begun.makeAsyncIterator()
    for number in 0..<200 {
      try await fixture.database.transaction(for: fixture.tenant) { tx in
        _ = try await queue.enqueue(
          NewJob(
            tenant: fixture.tenant.rawValue, subject: Int64(number), origin: "benchmark",
            parameters: JSONB(bytes: Data("{}".utf8))),
          in: tx)
      }
      let committed = ContinuousClock.now
      guard let start = await beginnings.next() else { break }
      times.append(max(0, committed.duration(to: start) / .seconds(1)))
      // Random pauses, so that jobs do not coincide with the worker's polls.
      try await Task.sleep(for: .milliseconds(Int.random(in: 3...20)))
    }
    run.cancel()
    _ = await run.result
    let sorted = times.sorted()
    report(
      "an idle worker begins a new job",
      String(
        format: "after %.1f ms, 99 of 100 within %.1f ms, all within %.1f ms", median(times) * 1_000,
        (sorted.dropLast(2).last ?? .nan) * 1_000, (sorted.last ?? .nan) * 1_000))
  }
}
