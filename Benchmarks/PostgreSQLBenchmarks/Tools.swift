import Foundation
import PostgreSQL
import TestSupport

/// Runs PostgreSQL's own clients, which are the references.
struct Tools {
  let cluster: TestCluster

  init(_ cluster: TestCluster) { self.cluster = cluster }

  /// Transactions a second of `pgbench -M prepared -c 16`, with one client thread by default.
  func pgbench(_ script: String, threads: Int = 1) async throws -> Double {
    let file = "\(cluster.directory)/\(UUID().uuidString).sql"
    try script.write(toFile: file, atomically: true, encoding: .utf8)
    let output = try await cluster.tool(
      "pgbench",
      [
        "-n", "-M", "prepared", "-c", "16", "-j", "\(threads)", "-T", "\(Main.seconds)", "-f", file,
        "postgres",
      ])
    let line = output.split(separator: "\n").first { $0.hasPrefix("tps = ") } ?? ""
    return Double(line.split(separator: " ").dropFirst(2).first ?? "") ?? .nan
  }

  /// Runs one psql command.
  func psql(_ command: String) async throws {
    _ = try await cluster.tool("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-c", command, "postgres"])
  }
}
