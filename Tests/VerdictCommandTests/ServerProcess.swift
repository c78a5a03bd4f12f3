import Foundation
import HTTPTestSupport
import Subprocess
import SystemPackage
import TestSupport

/// A running `verdict serve` or `verdict work`.
final class ServerProcess: Sendable {
  /// The process id.
  let pid: Int32
  /// The path of the log file.
  let logFile: String
  private let ended: Task<ExitStatus, any Error>

  private init(pid: Int32, logFile: String, ended: Task<ExitStatus, any Error>) {
    self.pid = pid
    self.logFile = logFile
    self.ended = ended
  }

  /// The binary, which lies in the directory of the tests.
  static var program: FilePath {
    FilePath(
      URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "verdict")
        .path)
  }

  /// Starts the server, or another long-running command. Its output goes to `log` and its process id to a file beside
  /// it.
  static func start(
    _ arguments: [String] = ["serve"], environment: [String: String], log: String
  ) async throws -> ServerProcess {
    let output = try FileDescriptor.open(
      FilePath("\(log).log"), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
    let (started, tell) = AsyncStream<Int32>.makeStream()
    let ended = Task<ExitStatus, any Error> {
      defer { tell.finish() }
      let result = try await Subprocess.run(
        .path(program), arguments: Arguments(arguments),
        environment: .custom(
          .init(uniqueKeysWithValues: environment.map { (.init(stringLiteral: $0.key), $0.value) })),
        input: .none, output: .fileDescriptor(output, closeAfterSpawningProcess: false),
        error: .fileDescriptor(output, closeAfterSpawningProcess: false)
      ) { execution in
        tell.yield(execution.processIdentifier.value)
      }
      try? output.close()
      return ExitStatus(result.terminationStatus)
    }
    guard let pid = await started.first(where: { _ in true }) else {
      let status = try await ended.value
      throw TestInstallation.Unexpected(description: "verdict \(arguments) was not started: \(status)")
    }
    try "\(pid)\n".write(toFile: "\(log).pid", atomically: false, encoding: .utf8)
    return ServerProcess(pid: pid, logFile: "\(log).log", ended: ended)
  }

  /// The log so far.
  var log: String { (try? String(contentsOfFile: logFile, encoding: .utf8)) ?? "" }

  /// The port from the log.
  var port: Int? {
    log.firstMatch(of: #/listening on https?://[^ :]+:(\d+)/#).flatMap { Int($0.1) }
  }

  /// A client of the server.
  func client(key: String? = nil) throws -> HTTPClient {
    guard let port else { throw TestInstallation.Unexpected(description: "does not listen: \(log)") }
    return HTTPClient(port: port, key: key)
  }

  /// Waits until the server listens.
  func listens() async throws {
    let isAlive = try? await eventually { port != nil ? true : Processes.isAlive(pid) ? nil : false }
    guard isAlive == true else { throw TestInstallation.Unexpected(description: "never listened: \(log)") }
  }

  /// Sends a signal to the process without waiting.
  func signal(_ signal: Int32) { Foundation.kill(pid, signal) }

  /// Kills the process if it still runs.
  func kill() async {
    if Processes.isAlive(pid) { Foundation.kill(pid, SIGKILL) }
    _ = await ended.result
    try? FileManager.default.removeItem(atPath: logFile.replacing(".log", with: ".pid"))
  }

  /// Sends SIGTERM and waits for the exit.
  func terminate() async throws -> ExitStatus {
    Foundation.kill(pid, SIGTERM)
    return try await ended.value
  }
}

/// The exit status of a process.
enum ExitStatus: Sendable, Equatable {
  case exited(Int)
  case killed(Int)

  init(_ status: TerminationStatus) {
    switch status {
    case .exited(let code): self = .exited(Int(code))
    case .signaled(let signal): self = .killed(Int(signal))
    }
  }
}

/// Operations on processes by id.
enum Processes {
  /// Whether the process runs. A zombie does not.
  static func isAlive(_ pid: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return status.split(separator: ")").last?.split(separator: " ").first != "Z"
  }

  /// The working directory of the process.
  static func directory(_ pid: Int32) -> String? {
    guard isAlive(pid) else { return nil }
    return try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
  }

  /// The sessions of a PostgreSQL: its processes for clients, whose titles contain the address.
  static func sessions(of postmaster: Int32) -> [Int32] {
    let pids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.compactMap { Int32($0) } ?? []
    return pids.filter { pid in
      guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        stat.split(separator: ")").last?.split(separator: " ").dropFirst().first == "\(postmaster)"
      else { return false }
      let title = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
      return String(decoding: title, as: UTF8.self).contains("[local]")
    }
  }

  /// Stops a PostgreSQL at once, without leaving shared memory behind.
  static func end(_ postmaster: Int32) async {
    kill(postmaster, SIGQUIT)
    for _ in 0..<600 where isAlive(postmaster) { try? await Task.sleep(for: .milliseconds(50)) }
    if isAlive(postmaster) { kill(postmaster, SIGKILL) }
  }
}
