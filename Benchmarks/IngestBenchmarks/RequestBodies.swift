import Foundation

/// The request bodies, built before the measurements.
struct RequestBodies {
  /// One JSON document of 25,000 or 1,000 rows.
  let json25000: [UInt8]
  let json1000: [UInt8]
  /// Streams of ``Main/rows`` rows.
  let csv: [UInt8]
  let ndjson: [UInt8]
  /// The streams compressed by gzip at its default level.
  let csvGzip: [UInt8]
  let ndjsonGzip: [UInt8]

  init(_ table: CensusTable, in directory: String) throws {
    json25000 = table.json(25_000)
    json1000 = table.json(1_000)
    csv = table.csv(Main.rows)
    ndjson = table.ndjson(Main.rows)
    csvGzip = try Self.gzip(csv, in: directory)
    ndjsonGzip = try Self.gzip(ndjson, in: directory)
  }

  private static func gzip(_ bytes: [UInt8], in directory: String) throws -> [UInt8] {
    let file = URL(fileURLWithPath: "\(directory)/\(UUID().uuidString)")
    try Data(bytes).write(to: file)
    let gzip = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["gzip", file.path])
    gzip.waitUntilExit()
    let compressed = file.appendingPathExtension("gz")
    defer { try? FileManager.default.removeItem(at: compressed) }
    return [UInt8](try Data(contentsOf: compressed))
  }
}
