import Foundation
import PostgreSQL
import TestSupport
import Testing

@Suite struct LeakTests {
  /// 10,000 times borrow, use, give back, with errors, cancellations and broken connections among them, in a
  /// process of its own: afterwards there are as many sessions as the pool says, no more descriptors than
  /// before, and no memory that grows with the cycles.
  @Test func nothingIsLeftOver() async throws {
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
      // Two descriptors a connection, and there may be more of them open than before.
      #expect(files[0] <= 8 && files[1] == 0, "\(text)")
      // A result is at least 2 KiB and a connection 40: a leak of either in one cycle of forty would show.
      #expect(try #require(figures["memory"])[0] < 8 * 1024, "\(text)")
      #expect(try #require(figures["closed"])[0] <= 0, "\(text)")
    }
  }
}
