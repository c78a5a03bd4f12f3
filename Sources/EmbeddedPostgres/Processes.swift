import Foundation
import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Finds and ends processes that a killed server has left behind.
enum Processes {
  /// The process's working directory; `nil` where the kernel does not show it (proc(5)).
  static func workingDirectory(_ processID: Int32) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(processID)/cwd")
  }

  /// PostgreSQL processes whose working directory is this one. After `kill -9` of the postmaster a backend lives until it
  /// notices, maybe at the end of a long statement, and no new server can start before.
  static func servers(in data: String) -> [Int32] {
    guard let directory = FileSystem.realPath(data) else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int32.init).filter {
      workingDirectory($0) == directory && Postmaster.isAlive($0)
        && FileSystem.text("/proc/\($0)/comm")?.hasPrefix("postgres") == true
    }
  }

  /// Waits for left-over processes to end, then sends SIGQUIT (PostgreSQL's immediate shutdown), then SIGKILL. Their
  /// transactions are lost in any case, since their postmaster is gone.
  static func clear(in data: String, logger: Logger) async throws {
    for (signal, timeout) in [(nil, 1.0), (SIGQUIT, 3.0), (SIGKILL, 3.0)] as [(Int32?, Double)] {
      let left = servers(in: data)
      if left.isEmpty { return }
      if let signal {
        logger.warning(
          "Ending processes that a killed PostgreSQL left behind",
          metadata: ["pids": "\(left)", "signal": "\(signal)"])
        for processID in left { kill(processID, signal) }
      }
      let deadline = ContinuousClock.now + .seconds(timeout)
      while ContinuousClock.now < deadline, !servers(in: data).isEmpty {
        try await Task.sleep(for: .milliseconds(20))
      }
    }
  }
}
