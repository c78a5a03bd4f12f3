import Foundation
public import PostgreSQL
import Subprocess

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// A PostgreSQL of a test's own, in a temporary directory, reachable over a Unix socket alone: to be killed,
/// stopped and started again. Nothing in it survives a crash of the operating system (fsync is off).
public actor TestCluster {
  /// Where to connect to, as superuser `postgres` on database `postgres`.
  public nonisolated let configuration: ConnectionConfiguration
  /// The cluster's directory; the socket is in it.
  public nonisolated let directory: String
  private let settings: [String: String]

  /// A test machine that cannot run PostgreSQL, and why.
  public struct Failure: Error, CustomStringConvertible {
    /// The failed program with its output.
    public let description: String
  }

  /// Makes a cluster (initdb) and starts it. A watchdog stops and removes it when this process is gone, however
  /// it went.
  public init(settings: [String: String] = [:]) async throws {
    try await self.init(settings: settings) { directory in
      try await Self.run(
        "initdb",
        [
          "-D", "\(directory)/data", "-U", "postgres", "-A", "trust", "--no-sync",
          "-E", "UTF8", "--locale=C",
        ])
    }
  }

  /// Runs the closure with a cluster, which is removed afterwards.
  public static func with<T>(
    settings: [String: String] = [:], _ body: (TestCluster) async throws -> T
  ) async throws -> T {
    let cluster = try await TestCluster(settings: settings)
    return try await withCleanup {
      await cluster.remove()
    } _: {
      try await body(cluster)
    }
  }

  private init(
    settings: [String: String], filling fill: (_ directory: String) async throws -> Void
  ) async throws {
    self.settings = settings
    directory = try await Self.makeDirectory()
    var configuration = ConnectionConfiguration(parameters: [
      "host": directory, "port": "5432", "user": "postgres", "dbname": "postgres",
    ])
    // On a busy machine, a server may need long to start a session or to react to a cancel request.
    configuration.connectTimeout = .seconds(120)
    configuration.cancelTimeout = .seconds(60)
    self.configuration = configuration
    try await fill(directory)
    try Self.startWatchdog(directory)
    try await start()
  }

  /// Makes a standby of this server, which follows it under the name `standby` (pg_basebackup, manual, 27.2).
  public func standby() async throws -> TestCluster {
    var settings = settings
    // A standby asks its own standbys for nothing.
    settings["synchronous_standby_names"] = nil
    return try await TestCluster(settings: settings) { [directory] copy in
      try await Self.run(
        "pg_basebackup",
        [
          "-D", "\(copy)/data", "-d", "host=\(directory) port=5432 user=postgres application_name=standby",
          "-R",
          "-X", "stream", "-c", "fast", "--no-sync",
        ])
    }
  }

  /// Ends the server's following and lets it write.
  public func promote() async throws {
    try await Self.run("pg_ctl", ["-D", "\(directory)/data", "-w", "-t", "600", "promote"])
  }

  /// Starts the server and waits until it takes connections.
  public func start() async throws {
    var options = "-c listen_addresses='' -c unix_socket_directories='\(directory)' -c fsync=off"
    options += " -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    for (name, value) in settings { options += " -c \(name)='\(value)'" }
    try await Self.run(
      "pg_ctl",
      ["-D", "\(directory)/data", "-w", "-t", "600", "-l", "\(directory)/log", "-o", options, "start"])
  }

  /// Ends all sessions and stops the server.
  public func stop() async throws { try await stop("fast") }

  /// Stops and starts.
  public func restart() async throws {
    try await stop()
    try await start()
  }

  /// `kill -9` on the server; its other processes end by themselves when they notice.
  public func kill() async throws {
    let text = try String(contentsOfFile: "\(directory)/data/postmaster.pid", encoding: .utf8)
    guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }) else {
      throw Failure(description: "no pid in postmaster.pid")
    }
    let children = try await Self.output("/usr/bin/pgrep", ["-P", "\(pid)"])
      .split(separator: "\n").compactMap { Int32($0) }
    Foundation.kill(pid, SIGKILL)
    // A server does not start while its predecessor's children hold the shared memory.
    while children.contains(where: Self.isRunning) || Self.isRunning(pid) {
      try await Task.sleep(for: .milliseconds(20))
    }
    // In a container the dead process can stay a zombie, which the server takes for a running one.
    for file in ["data/postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"] {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(file)")
    }
  }

  /// Stops the server for good and removes its files.
  public func remove() async {
    try? await stop("immediate")
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// Runs a client program of the server's version, such as psql, against this server; returns what it prints.
  public func tool(_ program: String, _ arguments: [String]) async throws -> String {
    try await Self.output(
      "\(Self.binaries)/\(program)", ["-h", directory, "-p", "5432", "-U", "postgres"] + arguments)
  }

  /// Runs a script in psql, as a person would who types it, and returns what that prints, errors among it.
  public static func psql(
    _ configuration: ConnectionConfiguration, user: String? = nil, script: String
  ) async throws -> String {
    let file = "/tmp/pgtest-script-\(UUID().uuidString)"
    try script.write(toFile: file, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    let parameters = configuration.parameters
    return try await output(
      "\(binaries)/psql",
      [
        "-X", "-h", parameters["host"] ?? "", "-p", parameters["port"] ?? "5432",
        "-U", user ?? parameters["user"] ?? "", "-d", parameters["dbname"] ?? "", "-f", file,
      ])
  }

  /// Starts another server program beside the cluster, as the same user; it ends with the cluster's directory.
  public func daemon(_ path: String, _ arguments: [String]) async throws {
    let (program, list) = Self.asServerUser(path, arguments)
    let command = ([program] + list).map { "'\($0)'" }.joined(separator: " ")
    let script = """
      \(command) & child=$!
      while [ -d '\(directory)' ] && kill -0 $child 2>/dev/null; do sleep 0.2; done
      kill $child 2>/dev/null
      """
    _ = try await Self.output("/usr/bin/setsid", ["-f", "/bin/sh", "-c", script])
  }

  private func stop(_ mode: String) async throws {
    try await Self.run("pg_ctl", ["-D", "\(directory)/data", "-w", "-t", "600", "-m", mode, "stop"])
  }
}

extension TestCluster {
  /// `DATABASE_URL` in libpq's keywords.
  public nonisolated func url(
    user: String = "postgres", database: String = "postgres", password: String? = nil, port: Int = 5432
  ) -> String {
    let quoted = password.map { $0.replacing("\\", with: "\\\\").replacing("'", with: "\\'") }
    return "host=\(directory) port=\(port) user=\(user) dbname=\(database)"
      + (quoted.map { " password='\($0)'" } ?? "")
  }

  /// Lets a role in with its password only.
  public func demandPasswords(of role: String) async throws {
    // Written in place: it must stay the file of the user that PostgreSQL runs as.
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(directory)/data/pg_hba.conf"))
    try file.truncate(atOffset: 0)
    try file.write(contentsOf: Data("local all \(role) scram-sha-256\nlocal all all trust\n".utf8))
    try file.close()
    try await restart()
  }
}

extension TestCluster {
  /// Where the server's programs are: `PG_BINDIR`, or the newest of Debian's and the usual places.
  static var binaries: String {
    if let directory = ProcessInfo.processInfo.environment["PG_BINDIR"] { return directory }
    let root = "/usr/lib/postgresql"
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
    return versions.max().map { "\(root)/\($0)/bin" } ?? "/usr/local/bin"
  }

  /// False for zombies, which wait for nothing but to be forgotten.
  private static func isRunning(_ pid: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let state = status.split(separator: ")").last?.first(where: { $0 != " " })
    else { return false }
    return state != "Z"
  }

  private static var isRoot: Bool { geteuid() == 0 }

  private static func makeDirectory() async throws -> String {
    // Short: a socket's path has at most 107 bytes.
    let path = "/tmp/pgtest-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    if isRoot { _ = try await output("/bin/chown", ["postgres", path]) }
    return path
  }

  /// PostgreSQL refuses to run as root; there it runs as user postgres.
  private static func command(_ program: String, _ arguments: [String]) -> (String, [String]) {
    asServerUser("\(binaries)/\(program)", arguments)
  }

  private static func asServerUser(_ path: String, _ arguments: [String]) -> (String, [String]) {
    isRoot ? ("/usr/sbin/runuser", ["-u", "postgres", "--", path] + arguments) : (path, arguments)
  }

  static func run(_ program: String, _ arguments: [String]) async throws {
    let (path, list) = command(program, arguments)
    _ = try await output(path, list)
  }

  static func output(_ path: String, _ arguments: [String]) async throws -> String {
    // Into a file: the server that pg_ctl leaves behind inherits the descriptors, and a pipe would never end.
    let file = "/tmp/pgtest-out-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let result = try await Subprocess.run(
      .path("/bin/sh"),
      arguments: Arguments(
        ["-c", "f=$1; shift; exec \"$@\" >\"$f\" 2>&1 </dev/null", "sh", file, path] + arguments),
      workingDirectory: FilePath("/tmp"), output: .discarded)
    let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
    guard case .exited(let code) = result.terminationStatus, code == 0 || path.hasSuffix("pgrep") else {
      throw Failure(description: "\(path) \(arguments): \(result.terminationStatus)\n\(text)")
    }
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func startWatchdog(_ directory: String) throws {
    let (path, list) = command("pg_ctl", ["-D", "\(directory)/data", "-m", "immediate", "stop"])
    let stop = ([path] + list).map { "'\($0)'" }.joined(separator: " ")
    try Watchdog.start(directory: directory, cleanup: "\(stop); rm -rf '\(directory)'")
  }
}
