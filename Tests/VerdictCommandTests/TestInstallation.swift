import Foundation
import HTTPTestSupport
import Subprocess
import SystemPackage
import TestSupport

/// An operator's installation: the program, an environment and a data directory. All processes that it started end
/// with the test.
actor TestInstallation {
  /// The directory that contains everything.
  let root: String
  private let environment: [String: String]
  private var servers: [ServerProcess] = []

  /// The directory of the private PostgreSQL.
  nonisolated var dataDirectory: String { "\(root)/data" }

  /// Runs the closure with an installation of its own, which is removed afterwards.
  ///
  /// - Parameters:
  ///   - database: `DATABASE_URL`; nil for a private PostgreSQL.
  ///   - settings: further environment variables.
  static func with<T: Sendable>(
    database: String? = nil, settings: [String: String] = [:],
    _ body: @Sendable (TestInstallation) async throws -> T
  ) async throws -> T {
    let installation = try TestInstallation(database: database, settings: settings)
    return try await withCleanup {
      await installation.remove()
    } _: {
      try await body(installation)
    }
  }

  private init(database: String?, settings: [String: String]) throws {
    // The path is short for the socket, and accessible to the user that PostgreSQL runs as when the tests run as
    // root.
    root = "/tmp/verdict-test-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
    let own = ["DATABASE_URL", "VERDICT_", "PG"]
    var environment = ProcessInfo.processInfo.environment.filter { name, _ in
      name == "PG_BINDIR" || !own.contains(where: name.hasPrefix)
    }
    environment["VERDICT_DATA_DIR"] = "\(root)/data"
    environment["VERDICT_PORT"] = "0"
    environment["DATABASE_URL"] = database
    self.environment = environment.merging(settings) { $1 }
    try startWatchdog()
  }

  /// Runs a command to completion.
  func run(_ arguments: String..., settings: [String: String] = [:]) async throws -> Finished {
    try await Self.run(arguments, environment.merging(settings) { $1 })
  }

  /// Runs a command with a list of arguments.
  func run(all arguments: [String]) async throws -> Finished { try await Self.run(arguments, environment) }

  private static func run(_ arguments: [String], _ environment: [String: String]) async throws -> Finished {
    let result = try await Subprocess.run(
      .path(ServerProcess.program), arguments: Arguments(arguments),
      environment: .custom(
        .init(uniqueKeysWithValues: environment.map { (.init(stringLiteral: $0.key), $0.value) })),
      input: .none, output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    return Finished(
      status: ExitStatus(result.terminationStatus), output: result.standardOutput,
      errors: result.standardError)
  }

  /// The exit status and output of a command.
  struct Finished: Sendable, CustomStringConvertible {
    var status: ExitStatus
    var output: String
    var errors: String
    var description: String { "\(status) \(output) \(errors)" }
  }

  /// Starts `verdict serve` and waits until it listens.
  func serve(settings: [String: String] = [:]) async throws -> ServerProcess {
    let server = try await ServerProcess.start(
      environment: environment.merging(settings) { $1 }, log: "\(root)/serve-\(servers.count)")
    servers.append(server)
    try await server.listens()
    return server
  }

  /// Starts `verdict work`.
  func work(settings: [String: String] = [:]) async throws -> ServerProcess {
    let worker = try await ServerProcess.start(
      ["work"], environment: environment.merging(settings) { $1 }, log: "\(root)/work-\(servers.count)")
    servers.append(worker)
    return worker
  }

  /// Creates a tenant and returns its admin key.
  func tenant(_ name: String = "acme") async throws -> String {
    let made = try await run("tenant", "create", name, "--json")
    guard let key = try? JSON(parsing: made.output.utf8)["key"].string else {
      throw Unexpected(description: "tenant create: \(made)")
    }
    return key
  }

  /// An unexpected result after which a test cannot continue.
  struct Unexpected: Error, CustomStringConvertible { var description: String }

  /// Kills what runs from `root` if this process is killed.
  private nonisolated func startWatchdog() throws {
    try Watchdog.start(
      directory: root,
      cleanup: """
        [ -d '\(root)' ] || exit 0
        cat '\(root)'/*.pid 2>/dev/null | xargs -r kill -9 2>/dev/null
        head -n 1 '\(root)/data/postgresql/data/postmaster.pid' 2>/dev/null | xargs -r kill -QUIT 2>/dev/null
        sleep 1; rm -rf '\(root)'
        """)
  }

  private func remove() async {
    for server in servers { await server.kill() }
    if let postmaster { await Processes.end(postmaster) }
    try? FileManager.default.removeItem(atPath: root)
  }
}

extension TestInstallation {
  /// The process id of the private PostgreSQL, if it runs.
  nonisolated var postmaster: Int32? {
    let file = "\(dataDirectory)/postgresql/data/postmaster.pid"
    guard let text = try? String(contentsOfFile: file, encoding: .utf8),
      let pid = text.split(separator: "\n").first.flatMap({ Int32($0) })
    else { return nil }
    // The file outlives a killed server, and its process id may have been reused.
    return Processes.directory(pid)?.hasPrefix(root) == true ? pid : nil
  }

  /// Kills the server and, right after it, its PostgreSQL with SIGKILL.
  nonisolated func killEverything(_ server: ServerProcess) async throws {
    guard let postmaster else { throw Unexpected(description: "no PostgreSQL to kill") }
    Foundation.kill(server.pid, SIGKILL)
    Foundation.kill(postmaster, SIGKILL)
    await server.kill()
  }
}
