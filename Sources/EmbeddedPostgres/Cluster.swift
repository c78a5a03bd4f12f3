import Logging

/// The steps from nothing to a running server and back. The caller holds the transition lock.
struct Cluster: Sendable {
  var directory: ClusterDirectory
  var logger: Logger

  /// The time limit of a start: recovery after a crash replays up to max_wal_size of log, minutes on a slow disk.
  static let timeout: Duration = .seconds(600)

  /// The address of the running server, which is created and started as needed.
  func ensureRunning() async throws -> ClusterAddress {
    let deadline = ContinuousClock.now + Self.timeout
    while ContinuousClock.now < deadline {
      switch Postmaster.state(of: directory.data) {
      case .running(let server) where server.phase == .ready:
        return server.address
      case .running:
        try await Task.sleep(for: .milliseconds(50))
      case .absent(let misleadingLock):
        try await start(misleadingLock: misleadingLock)
      }
    }
    throw EmbeddedPostgresError.timedOut(
      waitingFor: "PostgreSQL to be ready", seconds: Int(Self.timeout.components.seconds),
      log: ServerLog(path: directory.log).lines(since: 0))
  }

  var settings: ServerSettings { ServerSettings(configuration: directory.configuration) }

  private func start(misleadingLock: Bool) async throws {
    let installation = try await installation()
    if try !FileSystem.exists(directory.data) { try await initialise(installation) }
    try await Processes.clear(in: directory.data, logger: logger)
    if misleadingLock {
      logger.notice("Removing a stale lock file")
      try FileSystem.remove("\(directory.data)/postmaster.pid")
    }
    let socket = try SocketDirectory.prepare(for: directory)
    try SocketDirectory.clear(socket)
    try FileSystem.replace(
      "\(directory.data)/\(settings.fileName)", with: settings.text(socketDirectory: socket),
      mode: 0o600, owner: directory.user)

    let log = ServerLog(path: directory.log)
    try log.rotate()
    let offset = log.size
    // Relative paths: pg_ctl passes them to a shell in double quotes, where special characters would be interpreted.
    // pg_ctl gives the server a session of its own, so that neither our death nor a Ctrl-C ends it.
    let outcome = try await installation.program("pg_ctl", as: directory.user).run(
      [
        "start", "--silent", "--wait", "--timeout=\(Self.timeout.components.seconds)",
        "--pgdata=\(ClusterDirectory.dataName)", "--log=\(ClusterDirectory.logName)",
      ], in: directory.path)
    guard outcome.succeeded else {
      throw EmbeddedPostgresError.programFailed(
        program: "starting PostgreSQL", status: outcome.status, output: outcome.output,
        log: log.lines(since: offset))
    }
    logger.info(
      "PostgreSQL started", metadata: ["version": "\(installation.major)", "data": "\(directory.data)"])
  }

  /// Fast shutdown, which ends sessions and writes a checkpoint, so that the next start needs no recovery (PostgreSQL manual,
  /// 19.5); immediate shutdown when that takes too long.
  func stop() async throws {
    guard case .running = Postmaster.state(of: directory.data) else { return }
    let program = try await installation().program("pg_ctl", as: directory.user)
    var last = Program.Outcome(succeeded: true, status: "", output: "")
    for (mode, seconds) in [("fast", 60), ("immediate", 20)] {
      last = try await program.run(
        [
          "stop", "--silent", "--wait", "--mode=\(mode)", "--timeout=\(seconds)",
          "--pgdata=\(ClusterDirectory.dataName)",
        ], in: directory.path)
      guard case .running = Postmaster.state(of: directory.data) else {
        logger.info("PostgreSQL stopped", metadata: ["mode": "\(mode)", "data": "\(directory.data)"])
        return
      }
    }
    throw EmbeddedPostgresError.programFailed(
      program: "stopping PostgreSQL", status: last.status, output: last.output,
      log: ServerLog(path: directory.log).lines(since: 0))
  }

  private func installation() async throws -> Installation {
    let major = FileSystem.text("\(directory.data)/PG_VERSION").flatMap { Int($0.trimmingNewlines) }
    return try await Installation.find(
      clusterMajor: major, clusterDirectory: directory.data, as: directory.user,
      oldest: directory.configuration.oldestMajorVersion)
  }
}
