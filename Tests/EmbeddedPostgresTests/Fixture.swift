import Foundation
import Logging
import Subprocess
import SystemPackage

import TestSupport
@testable import EmbeddedPostgres

extension ClusterConfiguration {
  /// The private PostgreSQL of an application that is not Verdict.
  static func shop(_ dataDirectory: String) -> ClusterConfiguration {
    ClusterConfiguration(dataDirectory: dataDirectory, name: "shop", fallbackDirectory: "/tmp/shop-clusters")
  }
}

/// A data directory of a test's own, stopped and removed when the test ends.
func withDataDirectory<T>(
  below parent: String = "/tmp", name: String = "data", mode: mode_t = 0o755,
  _ body: (String) async throws -> T
) async throws -> T {
  let root = "\(parent)/verdict-embedded-\(UUID().uuidString.prefix(8))"
  try FileSystem.makeDirectory(root, mode: mode)
  let path = "\(root)/\(name)"
  return try await withCleanup {
    try await removeCluster(path)
    try FileSystem.remove(root)
  } _: {
    try await body(path)
  }
}

private func removeCluster(_ path: String) async throws {
  // Being the last user of the cluster stops it, however the test left it.
  if FileManager.default.fileExists(atPath: path) {
    try? await EmbeddedCluster.withCluster(.shop(path), logger: .quiet) { _ in }
    if let elsewhere = FileSystem.text("\(path)/postgresql.location")?.trimmingNewlines {
      try? FileSystem.remove(elsewhere)
    }
    if let socket = FileSystem.text("\(path)/postgresql/socket.location")?.trimmingNewlines {
      try? FileSystem.remove(socket)
    }
  }
}

/// Runs a statement with psql and returns its answer, unaligned and without headings.
func psql(_ sql: String, _ parameters: [String: String]) async throws -> String {
  let connection = parameters.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
  let result = try await Subprocess.run(
    .name("psql"), arguments: ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", sql],
    output: .string(limit: 1 << 20), error: .combinedWithOutput)
  guard result.terminationStatus.isSuccess else { throw StatementFailed(output: result.standardOutput) }
  return result.standardOutput.trimmingNewlines
}

struct StatementFailed: Error {
  var output: String
}

/// The running server of a data directory's cluster.
func postmaster(of dataDirectory: String) -> Postmaster? {
  let elsewhere = FileSystem.text("\(dataDirectory)/postgresql.location")?.trimmingNewlines
  let state = Postmaster.state(of: "\(elsewhere ?? "\(dataDirectory)/postgresql")/data")
  return if case .running(let server) = state { server } else { nil }
}
