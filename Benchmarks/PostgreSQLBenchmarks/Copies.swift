import Foundation
import PostgreSQL
import TestSupport

/// Measures binary COPY of a million rows with 12 columns against `psql \copy … (format binary)`.
struct Copies {
  let tools: Tools
  let configuration: ConnectionConfiguration
  private let rows = 1_000_000.0

  func run() async throws {
    let connection = try await Connection.connect(configuration)
    let file = "\(tools.cluster.directory)/wide.bin"
    try await tools.psql("\\copy wide to '\(file)' (format binary)")
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    var measurements: [String: Measurements] = [:]
    func measure(_ name: String, _ body: () async throws -> Void) async throws {
      measurements[name, default: Measurements()].rates.append(rows / (try await seconds(body)))
    }
    for _ in 0..<Main.rounds {
      try await measure("psql out") { try await tools.psql("\\copy wide to '/dev/null' (format binary)") }
      try await measure("out") { try await read(connection, parsing: false) }
      try await measure("out, parsed") { try await read(connection, parsing: true) }
      try await connection.query("TRUNCATE sink")
      try await measure("psql in") { try await tools.psql("\\copy sink from '\(file)' (format binary)") }
      try await connection.query("TRUNCATE sink")
      try await measure("in") { try await write(bytes, connection) }
      try await connection.query("TRUNCATE sink")
      try await measure("in, built") { try await build(connection) }
    }
    for (name, reference) in [
      ("out", "psql out"), ("out, parsed", "psql out"), ("in", "psql in"), ("in, built", "psql in"),
    ] {
      guard let ours = measurements[name], let theirs = measurements[reference] else { continue }
      ours.report("COPY \(name)", against: theirs, unit: "rows/s")
    }
    await connection.close()
  }

  private func read(_ connection: Connection, parsing: Bool) async throws {
    var reader = BinaryCopyReader()
    var sum = 0.0
    try await connection.copyOut("COPY wide TO STDOUT (FORMAT binary)") { stream in
      while let chunk = try await stream.nextBytes() {
        guard parsing else { continue }
        reader.feed(chunk)
        while try reader.nextRow() {
          for column in 1...10 { sum += try reader.decode(column, as: Double.self) }
        }
      }
    }
    if parsing { try reader.checkFinished() }
  }

  private func write(_ bytes: [UInt8], _ connection: Connection) async throws {
    try await connection.copyIn("COPY sink FROM STDIN (FORMAT binary)") { writer in
      var position = 0
      while position < bytes.count {
        let end = min(position + 128 * 1024, bytes.count)
        try await writer.write(Array(bytes[position..<end]))
        position = end
      }
    }
  }

  private func build(_ connection: Connection) async throws {
    try await connection.copyIn("COPY sink FROM STDIN (FORMAT binary)") { writer in
      var builder = BinaryCopyWriter()
      for id in 0..<Int(rows) {
        builder.startRow(columns: 12)
        builder.append(id)
        for column in 0..<10 { builder.append(Double(id &* column)) }
        builder.append(Int16(truncatingIfNeeded: id & 1))
        if builder.count > 128 * 1024 { try await writer.write(builder.take()) }
      }
      builder.finish()
      try await writer.write(builder.take())
    }
  }
}
