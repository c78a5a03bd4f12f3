import PostgreSQL
import TestSupport

/// Measures the wait of each statement for a connection, with 1,000 tasks on a pool of 8.
struct Fairness {
  let configuration: ConnectionConfiguration

  func run() async throws {
    let pool = ConnectionPool(.init(connection: configuration, maximum: 8, acquireTimeout: .seconds(60)))
    var waits: [Double] = []
    let elapsed = try await seconds {
      waits = try await withThrowingTaskGroup(of: [Double].self) { group in
        for _ in 0..<1000 {
          group.addTask {
            var waits: [Double] = []
            for id in 0..<50 {
              let start = ContinuousClock.now
              try await pool.withConnection { connection in
                waits.append(start.duration(to: .now) / .milliseconds(1))
                try await connection.query("SELECT value FROM kv WHERE id = \(id)")
              }
            }
            return waits
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
    }
    waits.sort()
    let (middle, high) = (waits[waits.count / 2], waits[waits.count * 99 / 100])
    print(
      "1,000 tasks, pool of 8: \(Int(50_000 / elapsed))/s, wait median \(middle) ms, p99 \(high) ms, "
        + "longest \(waits[waits.count - 1]) ms, p99 / median \(high / middle)")
    await pool.close()
  }
}
