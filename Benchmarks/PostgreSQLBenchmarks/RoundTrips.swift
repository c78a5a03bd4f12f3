import Foundation
import PostgreSQL

/// Single-row statements on 16 connections, against `pgbench -M prepared -c 16`.
struct RoundTrips {
  let tools: Tools
  let configuration: ConnectionConfiguration

  /// Statements a second, and processor time of the client per statement in microseconds.
  private struct Figures {
    var rates: [Double] = []
    var costs: [Double] = []
  }

  func run() async throws {
    let statements: [(name: String, script: String, query: @Sendable (Int) -> Query)] = [
      ("SELECT", "SELECT value FROM kv WHERE id = :id;", { "SELECT value FROM kv WHERE id = \($0)" }),
      ("INSERT", "INSERT INTO log (value) VALUES (:id);", { "INSERT INTO log (value) VALUES (\($0))" }),
    ]
    for statement in statements {
      var reference = Figures()
      var plain = Figures()
      var onLoop = Figures()
      for _ in 0..<Main.rounds {
        try await measure(&reference) {
          try await tools.pgbench("\\set id random(1, 100000)\n\(statement.script)\n")
        }
        try await measure(&plain) { try await rate(nil, statement.query) }
        try await measure(&onLoop) { try await rate(DatabaseExecutor.shared, statement.query) }
      }
      for (name, figures) in [("", plain), (" on DatabaseExecutor", onLoop)] {
        report("\(statement.name)\(name)", figures.rates, reference.rates, unit: "/s")
        report("  client \u{b5}s a statement", figures.costs, reference.costs, unit: "\u{b5}s")
      }
    }
  }

  private func measure(_ figures: inout Figures, _ body: () async throws -> Double) async throws {
    let before = processorTime()
    let rate = try await body()
    figures.rates.append(rate)
    figures.costs.append((processorTime() - before) * 1e6 / (rate * Double(Main.seconds)))
  }

  private func rate(
    _ executor: (any TaskExecutor)?, _ query: @escaping @Sendable (Int) -> Query
  ) async throws -> Double {
    let connections = try await Self.connect(16, configuration)
    let deadline = ContinuousClock.now + .seconds(Main.seconds)
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for connection in connections {
        group.addTask(executorPreference: executor) {
          var count = 0
          // A linear congruential generator: the system's asks the kernel each time.
          var random = UInt32.random(in: 0 ... .max)
          while ContinuousClock.now < deadline {
            random = random &* 1_664_525 &+ 1_013_904_223
            try await connection.query(query(Int(random >> 8) % 100_000 + 1))
            count += 1
          }
          return count
        }
      }
      return try await group.reduce(0, +)
    }
    for connection in connections { await connection.close() }
    return Double(count) / Double(Main.seconds)
  }

  static func connect(_ count: Int, _ configuration: ConnectionConfiguration) async throws -> [Connection] {
    var connections: [Connection] = []
    for _ in 0..<count { connections.append(try await Connection.connect(configuration)) }
    return connections
  }
}

/// Seconds of processor time that this process and the programs that it ran have used.
private func processorTime() -> Double {
  [RUSAGE_SELF.rawValue, RUSAGE_CHILDREN.rawValue].reduce(0) { sum, who in
    var usage = rusage()
    getrusage(Int32(who), &usage)
    return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }
}
