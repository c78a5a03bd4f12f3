import Foundation
import PostgreSQL

/// Measures single-row statements on 16 connections against `pgbench -M prepared -c 16`.
struct RoundTrips {
  let tools: Tools
  let configuration: ConnectionConfiguration
  /// The parts to run, as in ``Main``.
  let parts: Set<String>

  func run() async throws {
    let statements: [(name: String, script: String, query: @Sendable (Int) -> Query)] = [
      ("SELECT", "SELECT value FROM kv WHERE id = :id;", { "SELECT value FROM kv WHERE id = \($0)" }),
      ("INSERT", "INSERT INTO log (value) VALUES (:id);", { "INSERT INTO log (value) VALUES (\($0))" }),
    ]
    for statement in statements where parts.isEmpty || parts.contains(statement.name.lowercased()) {
      var reference = Measurements()
      var twoThreads = Measurements()
      var plain = Measurements()
      var onLoop = Measurements()
      let script = "\\set id random(1, 100000)\n\(statement.script)\n"
      for _ in 0..<Main.rounds {
        try await reference.measure { try await tools.pgbench(script) }
        try await onLoop.measure { try await rate(DatabaseExecutor.shared, statement.query) }
        try await plain.measure { try await rate(nil, statement.query) }
        try await twoThreads.measure { try await tools.pgbench(script, threads: 2) }
      }
      onLoop.report("\(statement.name) on DatabaseExecutor", against: reference)
      plain.report("\(statement.name) on Swift's pool", against: reference)
      twoThreads.report("\(statement.name) by pgbench -j 2", against: reference)
    }
  }

  private func rate(
    _ executor: (any TaskExecutor)?, _ query: @escaping @Sendable (Int) -> Query
  ) async throws -> Double {
    var connections: [Connection] = []
    for _ in 0..<16 { connections.append(try await Connection.connect(configuration)) }
    let count = try await withThrowingTaskGroup(of: Int.self) { group in
      for connection in connections {
        group.addTask(executorPreference: executor) {
          var ids = RandomIDs()
          while ids.next() { try await connection.query(query(ids.current)) }
          return ids.count
        }
      }
      return try await group.reduce(0, +)
    }
    for connection in connections { await connection.close() }
    return Double(count) / Double(Main.seconds)
  }
}
