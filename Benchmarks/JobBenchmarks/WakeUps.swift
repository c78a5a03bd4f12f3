import Foundation
import JobQueue
import PostgreSQL
import VerdictCore

/// From the commit of a request to the moment at which an idle worker has begun the job.
struct WakeUps {
  let shop: Shop

  func run() async throws {
    let queue = JobQueue(pool: shop.pool, kind: "nothing", logger: shop.logger)
    let (begun, begin) = AsyncStream<ContinuousClock.Instant>.makeStream()
    let worker = Worker(queue: queue, connection: shop.app, slots: 1, logger: shop.logger) { _ in
      begin.yield(.now)
    }
    let run = Task { try await worker.run() }
    try await Task.sleep(for: .seconds(1))
    var times: [Double] = []
    var beginnings = begun.makeAsyncIterator()
    for number in 0..<200 {
      try await shop.database.transaction(for: shop.tenant) { tx in
        _ = try await queue.enqueue(
          NewJob(
            tenant: shop.tenant.rawValue, subject: Int64(number), origin: "benchmark",
            parameters: JSONB(bytes: Data("{}".utf8))),
          in: tx)
      }
      let committed = ContinuousClock.now
      guard let start = await beginnings.next() else { break }
      times.append(max(0, committed.duration(to: start) / .seconds(1)))
      // Not in step with the worker's own looks.
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
