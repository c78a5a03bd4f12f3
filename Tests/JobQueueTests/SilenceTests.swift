import Foundation
import JobQueue
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// Connections that die silently.
@Suite struct SilenceTests {
  /// The heartbeat's connection hangs. The heartbeat must notice, connect again and renew within the lease.
  @Test(.timeLimit(.minutes(10)))
  func `a worker whose heartbeats hang keeps its job`() async throws {
    var configuration = JobQueue.Configuration()
    configuration.lease = .seconds(9)
    try await withQueue(configuration: configuration) { bench in
      let proxy = try FaultProxy(to: bench.connection)
      defer { proxy.close() }
      let isOver = Mutex(false)
      let worker = Worker(
        queue: bench.queue, connection: proxy.configuration(bench.connection), slots: 1, logger: .quiet
      ) { context in
        while !isOver.withLock({ $0 }) {
          try context.checkCancellation()
          try await Task.sleep(for: .milliseconds(50))
        }
      }
      let run = Task { try await worker.run() }
      let job = try await bench.enqueue()
      // Renewed at least once, so that the connection is there.
      let first = try await eventually { try await self.lease(of: job, bench) }
      let second = try await eventually {
        try await self.lease(of: job, bench).flatMap { $0 > first ? $0 : nil }
      }
      proxy.stallOpenConnections()
      // Twice, so that it is not the renewal that was under way.
      _ = try await eventually {
        #expect(try await bench.queue.rescue() == 0)
        return try await self.lease(of: job, bench).flatMap { $0 > second + 9 ? $0 : nil }
      }
      isOver.withLock { $0 = true }
      let ended = try await eventually { try await bench.job(job).flatMap { $0.state.isFinal ? $0 : nil } }
      #expect(ended.state == .succeeded && ended.attempt == 1 && ended.failures.isEmpty)
      run.cancel()
      try await run.value
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["claim", "rescue"])
  func `the queue's own transactions end, and the next ones go through`(what: String) async throws {
    var configuration = JobQueue.Configuration()
    configuration.timeout = .seconds(2)
    let limited = configuration
    try await withQueue { bench in
      let proxy = try FaultProxy(to: bench.connection)
      defer { proxy.close() }
      let pool = ConnectionPool(.init(connection: proxy.configuration(bench.connection), maximum: 1))
      let queue = JobQueue(pool: pool, kind: "training", configuration: limited, logger: .quiet)
      try await queue.rescue()
      let job = try await bench.enqueue()
      proxy.stallOpenConnections()
      let claims = what == "claim"
      let error = await #expect(throws: PostgreSQLError.self) {
        _ = claims ? try await queue.claim(worker: "w")?.job.id : Int64(try await queue.rescue())
      }
      #expect(error?.isConnectionProblem == true)
      let next = try await eventually { try? await queue.claim(worker: "w") }
      #expect(next.job.id == job.id)
      await pool.close()
    }
  }

  private func lease(of job: Job, _ bench: Bench) async throws -> Double? {
    try await bench.admin.query(
      """
      SELECT extract(epoch FROM lease_expires_at)::float8 FROM jobs WHERE id = \(job.id) AND state = 'running'
      """
    ).first?.decode(Double.self)
  }
}
