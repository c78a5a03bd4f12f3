import Foundation
import TestSupport

/// Measures upload and export of labels over HTTP against `psql \copy … (format binary)` on the same table, in one run.
///
///     IngestBenchmarks [--data FILE] [--rounds N] [PART...]
///
/// `FILE` is a CSV whose columns are `cont_*`, `dis_*`, `cat_*` and `label` (also `VERDICT_BENCH_DATA`); by default rows of the
/// same shape are synthesised. The rows are repeated as needed. `PART` is the prefix of a name in the table (`json`, `csv`,
/// `ndjson`, `export`); by default all are measured. `VERDICT_BIN` is the server.
@main
struct Main {
  /// The number of rows of a stream and of the references.
  static let rows = 1_000_000

  static func main() async throws {
    var arguments = CommandLine.arguments.dropFirst()
    var file = ProcessInfo.processInfo.environment["VERDICT_BENCH_DATA"]
    var rounds = 3
    var parts: [String] = []
    while let argument = arguments.popFirst() {
      switch argument {
      case "--data": file = arguments.popFirst()
      case "--rounds": rounds = arguments.popFirst().flatMap { Int($0) } ?? rounds
      default: parts.append(argument)
      }
    }
    let table = try file.map { try CensusTable(file: $0) } ?? CensusTable.synthetic()
    print(
      "rows: \(file == nil ? "synthetic" : "from a file"), \(table.lines.count) repeated; \(rounds) rounds, medians"
    )
    let server = try await ServerUnderTest(features: table.features)
    do {
      var run = Run(
        server: server, bodies: try RequestBodies(table, in: server.cluster.directory), rounds: rounds)
      try await run.all(parts)
    } catch {
      print("failed: \(error)\n\(server.log.suffix(2_000))")
    }
    await server.end()
  }
}

/// An error with a message.
struct Failure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
