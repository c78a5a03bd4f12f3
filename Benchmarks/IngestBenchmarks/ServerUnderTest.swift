import Foundation
import TestSupport

/// The server's port and an API key.
struct Endpoint: Sendable {
  var port: Int
  var key: String

  /// Opens a connection.
  func client() throws -> LoadClient { try LoadClient(port: port, key: key) }
}

/// A durable PostgreSQL, and a `verdict serve` on it with a tenant and a dataset.
final class ServerUnderTest {
  let cluster: TestCluster
  let endpoint: Endpoint
  private let server: Process
  private let logFile: String

  /// The server's log.
  var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

  init(features: String) async throws {
    guard let program = ProcessInfo.processInfo.environment["VERDICT_BIN"] else {
      throw Failure("VERDICT_BIN must name the server")
    }
    cluster = try await TestCluster(settings: [
      "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "512MB",
      "max_wal_size": "8GB",
    ])
    var environment = ProcessInfo.processInfo.environment
    environment["DATABASE_URL"] = "postgresql://postgres@/postgres?host=\(cluster.directory)"
    environment["VERDICT_PORT"] = "0"
    logFile = "\(cluster.directory)/serve.log"
    _ = try Self.run(program, ["migrate"], environment)
    let made = try Self.run(program, ["tenant", "create", "bench", "--json"], environment)
    guard let key = made.firstMatch(of: #/vd_[^"]+/#) else { throw Failure("tenant create: \(made)") }
    server = Process()
    server.executableURL = URL(fileURLWithPath: program)
    server.arguments = ["serve"]
    server.environment = environment
    FileManager.default.createFile(atPath: logFile, contents: nil)
    let output = FileHandle(forWritingAtPath: logFile)
    server.standardOutput = output
    server.standardError = output
    try server.run()
    endpoint = Endpoint(port: try await Self.port(of: server, logFile), key: String(key.0))
    let dataset = #"{"name":"bench","features":[\#(features)]}"#
    try endpoint.client().post("/v1/datasets", Array(dataset.utf8), type: "application/json")
  }

  /// Runs a psql command as superuser.
  func psql(_ command: String) async throws -> String {
    try await cluster.tool("psql", ["-qAtX", "-v", "ON_ERROR_STOP=1", "-c", command, "postgres"])
  }

  /// Stops the server and removes the database.
  func end() async {
    server.terminate()
    server.waitUntilExit()
    await cluster.remove()
  }

  private static func run(_ program: String, _ arguments: [String], _ environment: [String: String]) throws
    -> String
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failure("\(arguments): \(process.terminationStatus)") }
    return text
  }

  private static func port(of server: Process, _ logFile: String) async throws -> Int {
    for _ in 0..<600 where server.isRunning {
      let log = (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? ""
      if let port = log.firstMatch(of: #/listening on http://[^ :]+:(\d+)/#).flatMap({ Int($0.1) }) {
        return port
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Failure("the server never listened")
  }
}

extension ServerUnderTest {
  /// Fields of proc(5), status: the current resident memory, or its peak since ``resetPeak()``.
  enum Memory: String {
    case now = "VmRSS:"
    case peak = "VmHWM:"
  }

  /// The server's resident memory in megabytes (proc(5), status).
  func megabytes(_ memory: Memory) -> Double {
    let status =
      (try? String(contentsOfFile: "/proc/\(server.processIdentifier)/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix(memory.rawValue) } ?? ""
    return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? .nan)
      / 1_024
  }

  /// Resets the peak (proc(5), clear_refs).
  func resetPeak() {
    guard let file = FileHandle(forWritingAtPath: "/proc/\(server.processIdentifier)/clear_refs") else {
      return
    }
    try? file.write(contentsOf: Data("5".utf8))
    try? file.close()
  }

  /// The server's processor time in seconds (proc(5), stat).
  func processorTime() -> Double {
    let stat = (try? String(contentsOfFile: "/proc/\(server.processIdentifier)/stat", encoding: .utf8)) ?? ""
    let fields = stat.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
      return .nan
    }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
