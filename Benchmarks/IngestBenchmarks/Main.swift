import Foundation
import TestSupport

/// Measures labels in and out over HTTP against `psql \copy … (format binary)` on the same table, in one run.
///
///     IngestBenchmarks [--data FILE] [--rounds N] [PART...]
///
/// `FILE` is a CSV whose columns are `cont_*`, `dis_*`, `cat_*` and `label` (also `VERDICT_BENCH_DATA`); without one,
/// rows of the same shape are made up. The rows are repeated until there are enough. `PART` is what a line of the table
/// begins with (`json`, `csv`, `ndjson`, `export`); without any, all are measured. `VERDICT_BIN` is the server.
@main
struct Main {
  /// Rows of a stream and of the references.
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
    let table = try file.map { try CensusTable(file: $0) } ?? CensusTable.madeUp()
    print(
      "rows: \(file == nil ? "made up" : "of a file"), \(table.lines.count) repeated; \(rounds) rounds, medians"
    )
    let product = try await Product(features: table.features)
    do {
      var run = Run(
        product: product, bodies: try Bodies(table, in: product.cluster.directory), rounds: rounds)
      try await run.all(parts)
    } catch {
      print("failed: \(error)\n\(product.log.suffix(2_000))")
    }
    await product.end()
  }
}

/// The middle one.
func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
}

/// What went wrong.
struct Failure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}
