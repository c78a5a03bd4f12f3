#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The running server by its lock file postmaster.pid (PostgreSQL manual, 73.1 "Database File Layout"; the lines
/// are those of src/include/utils/pidfile.h).
struct Postmaster: Sendable, Equatable {
  enum Phase: Sendable, Equatable {
    case starting, ready, stopping
  }

  enum State: Sendable, Equatable {
    /// The server of this directory is running.
    case running(Postmaster)
    /// No server runs. With `misleadingLock`, PostgreSQL would refuse to start: the lock file names a process that is not this
    /// directory's server, as after a reboot, or a zombie, or it is empty or torn, as after a power failure.
    case absent(misleadingLock: Bool)
  }

  var processID: Int32
  var address: ClusterAddress
  var phase: Phase

  /// Reads the lock file and checks the process that it names.
  static func state(of data: String) -> State {
    guard let text = FileSystem.text("\(data)/postmaster.pid") else { return .absent(misleadingLock: false) }
    guard let written = parse(text) else { return .absent(misleadingLock: true) }
    guard exists(written.processID) else { return .absent(misleadingLock: false) }
    guard isAlive(written.processID), serves(written.processID, data) else {
      return .absent(misleadingLock: true)
    }
    return .running(written)
  }

  /// Parses the file; `nil` if it is malformed. A server that is still starting has not written all lines.
  static func parse(_ text: String) -> Postmaster? {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    func line(_ number: Int) -> Substring { lines.count >= number ? lines[number - 1] : "" }
    guard let processID = Int32(line(1)), processID > 0 else { return nil }
    let phase: Phase =
      if line(8).hasPrefix("ready") { .ready } else if line(8).hasPrefix("stopping") { .stopping } else {
        .starting
      }
    return Postmaster(
      processID: processID,
      address: ClusterAddress(
        socketDirectory: String(line(5)), port: Int(line(4)) ?? SocketDirectory.port),
      phase: phase)
  }

  /// Whether the process table has an entry, which is all that PostgreSQL itself checks.
  private static func exists(_ processID: Int32) -> Bool { kill(processID, 0) == 0 || errno == EPERM }

  /// Whether a process lives. A zombie counts as dead: in a container its parent may never collect it.
  static func isAlive(_ processID: Int32) -> Bool {
    guard let status = FileSystem.text("/proc/\(processID)/stat") else { return exists(processID) }
    // The state follows the program's name, which may itself hold spaces and parentheses (proc(5)).
    let afterName = status.split(separator: ")").last?.drop { $0 == " " } ?? ""
    return afterName.first != "Z" && afterName.first != "X"
  }

  /// Whether the process is a PostgreSQL server of this directory, by its working directory. Where that is not readable (root
  /// in a container without CAP_SYS_PTRACE), its name decides.
  private static func serves(_ processID: Int32, _ data: String) -> Bool {
    #if os(Linux)
      if let directory = Processes.workingDirectory(processID) {
        return directory == FileSystem.realPath(data)
      }
      return FileSystem.text("/proc/\(processID)/comm")?.hasPrefix("postgres") ?? false
    #else
      return true
    #endif
  }
}
