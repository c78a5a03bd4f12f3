import Foundation
import PostgreSQL
import TestSupport
import Testing

/// Tests that connections, descriptors and memory do not leak.
@Suite struct LeakTests {
  /// Runs 10,000 cycles of borrowing, using and returning a connection in a separate process, including errors,
  /// cancellations and broken connections. Afterwards there are as many sessions as the pool reports, no more
  /// descriptors than before, and no memory that grows with the cycles.
  @Test func `connections, descriptors and memory do not leak`() async throws {
    try await TestDatabase.withDatabase { configuration in
      let program = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("PostgreSQLCycles")
      let process = Process()
      process.executableURL = program
      process.arguments = [
        configuration.parameters["host"] ?? "", configuration.parameters["dbname"] ?? "", "10000",
      ]
      let output = Pipe()
      process.standardOutput = output
      let ended = AsyncStream<Void> { continuation in
        process.terminationHandler = { _ in continuation.finish() }
      }
      try process.run()
      for await _ in ended {}
      let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      try #require(process.terminationStatus == 0, "\(text)")
      var figures: [String: [Int]] = [:]
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ")
        figures[String(words.first ?? "")] = words.compactMap { Int($0) }
      }
      let sessions = try #require(figures["sessions"]), files = try #require(figures["files"])
      #expect(sessions[0] == sessions[1] && sessions[0] <= 4, "\(text)")
      // A connection has two descriptors, and more connections may be open than before.
      #expect(files[0] <= 8 && files[1] == 0, "\(text)")
      // A result has at least 2 KiB and a connection 40 KiB: a leak of either in one cycle of forty would exceed
      // this.
      #expect(try #require(figures["memory"])[0] < 8 * 1024, "\(text)")
      #expect(try #require(figures["closed"])[0] <= 0, "\(text)")
    }
  }
}
