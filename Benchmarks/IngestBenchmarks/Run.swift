import Foundation
import TestSupport

/// Runs the measurements in rounds, in turn with the two references.
struct Run {
  let server: ServerUnderTest
  let bodies: RequestBodies
  let rounds: Int
  private var figures: [String: [Figure]] = [:]
  private let path = "/v1/datasets/bench/labels"

  private struct Figure {
    /// Rows per second.
    var rate: Double
    /// The server's processor time per row in microseconds.
    var cost: Double
    /// The server's peak memory in megabytes.
    var peak: Double
  }

  init(server: ServerUnderTest, bodies: RequestBodies, rounds: Int) {
    self.server = server
    self.bodies = bodies
    self.rounds = rounds
  }

  /// Measures the parts whose names begin with one of `parts`, and prints the table.
  mutating func all(_ parts: [String]) async throws {
    try await Task.sleep(for: .seconds(1))
    let idle = server.megabytes(.now)
    func isWanted(_ name: String) -> Bool { parts.isEmpty || parts.contains { name.hasPrefix($0) } }
    let reference = "\(server.cluster.directory)/reference.bin"
    let columns = "label, numbers, categories, key"
    try server.endpoint.client().post(path, bodies.csv, type: "text/csv")
    _ = try await server.psql(
      "\\copy (SELECT tenant_id, dataset_id, \(columns) FROM labels) to '\(reference)' (format binary)")
    for _ in 0..<rounds {
      try await empty()
      try await measure("psql in", Main.rows) {
        _ = try await $0.psql(
          "\\copy labels (tenant_id, dataset_id, \(columns)) from '\(reference)' (format binary)")
      }
      try await measure("psql out", Main.rows) {
        _ = try await $0.psql("\\copy labels (\(columns)) to '/dev/null' (format binary)")
      }
      for (name, type) in [("export csv", "text/csv"), ("export ndjson", "application/x-ndjson")]
      where isWanted(name) {
        try await measure(name, Main.rows) { [path] server in
          let bytes = try server.endpoint.client().get(path, accept: type)
          guard bytes > Main.rows * 20 else { throw Failure("\(name): only \(bytes) bytes") }
        }
      }
      for (name, body, size, count) in [
        ("json 25000 x 4", bodies.json25000, 25_000, 6), ("json 1000 x 4", bodies.json1000, 1_000, 100),
      ] where isWanted(name) {
        try await empty()
        try await measure(name, 4 * count * size) { [path] server in
          try await Self.onFourThreads { [endpoint = server.endpoint] in
            let client = try endpoint.client()
            for _ in 0..<count { try client.post(path, body, type: "application/json") }
          }
        }
      }
      for (name, body, type, coding) in [
        ("csv", bodies.csv, "text/csv", nil), ("ndjson", bodies.ndjson, "application/x-ndjson", nil),
        ("csv gzip", bodies.csvGzip, "text/csv", "gzip"),
        ("ndjson gzip", bodies.ndjsonGzip, "application/x-ndjson", "gzip"),
      ] where isWanted(name) {
        try await empty()
        try await measure(name, Main.rows) { [path] server in
          try server.endpoint.client().post(path, body, type: type, coding: coding)
        }
      }
    }
    report(idle: idle)
  }

  /// Removes all rows and completes a checkpoint, so that PostgreSQL has no background writes during a measurement.
  private func empty() async throws {
    _ = try await server.psql("TRUNCATE labels, label_counts")
    _ = try await server.psql("CHECKPOINT")
  }

  private mutating func measure(_ name: String, _ rows: Int, _ body: (ServerUnderTest) async throws -> Void)
    async throws
  {
    server.resetPeak()
    let before = server.processorTime()
    let start = ContinuousClock.now
    try await body(server)
    let seconds = start.duration(to: .now) / .seconds(1)
    let cost = (server.processorTime() - before) * 1e6 / Double(rows)
    figures[name, default: []].append(
      Figure(rate: Double(rows) / seconds, cost: cost, peak: server.megabytes(.peak)))
  }

  private static func onFourThreads(_ body: @escaping @Sendable () throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask {
          // A separate thread, because the client blocks.
          try await withCheckedThrowingContinuation { continuation in
            Thread { continuation.resume(with: Result { try body() }) }.start()
          }
        }
      }
      try await group.waitForAll()
    }
  }

  private func report(idle: Double) {
    print(String(format: "server idle: %.0f MB", idle))
    print("what                 rows/s   ratio (its range)     server us/row   peak MB above idle")
    for (name, all) in figures.sorted(by: { $0.key < $1.key }) {
      let reference = figures[name.hasPrefix("export") || name == "psql out" ? "psql out" : "psql in"] ?? []
      let ratios = zip(all, reference).map { $0.rate / $1.rate }
      let line = String(
        format: "%9.0f   %5.2f (%.2f-%.2f)   %13.2f   %18.0f", median(all.map(\.rate)), median(ratios),
        ratios.min() ?? .nan, ratios.max() ?? .nan, median(all.map(\.cost)),
        (all.map(\.peak).max() ?? .nan) - idle)
      print(name.padding(toLength: 16, withPad: " ", startingAt: 0), line)
    }
  }
}
