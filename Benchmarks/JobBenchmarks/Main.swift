import Foundation
import Logging
import PostgreSQL
import TestSupport
import VerdictCore

/// Measures training jobs from the request to the stored model on a PostgreSQL of its own, and prints a table. The reference is
/// psql, which copies the same rows out in the same run. The arguments select parts (`jobs`, `auto`, `wake`) and the number of
/// rows.
@main
struct Main {
  static let rounds = 5

  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    let rows = arguments.compactMap { Int($0) }.first ?? 1_000_000
    let parts = Set(arguments.filter { Int($0) == nil })
    let cluster = try await TestCluster(settings: [
      "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
      "max_wal_size": "8GB",
    ])
    do {
      let fixture = try await TrainingFixture(cluster, rows: rows)
      if parts.isEmpty || parts.contains("jobs") { try await Trainings(fixture: fixture).run() }
      if parts.isEmpty || parts.contains("auto") { try await AutomaticTrainings(fixture: fixture).run() }
      if parts.isEmpty || parts.contains("wake") { try await WakeUpLatency(fixture: fixture).run() }
      await fixture.close()
    } catch {
      print("failed: \(error)")
    }
    await cluster.remove()
  }
}

/// Prints a name and its result.
func report(_ name: String, _ text: String) {
  print("\(name.padding(toLength: 44, withPad: " ", startingAt: 0)) \(text)")
}

extension Double {
  /// Formats seconds as milliseconds.
  var milliseconds: String { String(format: "%.0f ms", self * 1_000) }
  /// Formats a ratio.
  var ratio: String { String(format: "%.2f", self) }
}
