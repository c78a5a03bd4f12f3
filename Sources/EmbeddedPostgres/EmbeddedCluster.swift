public import Logging

/// A private PostgreSQL in a data directory, created, started, supervised and stopped by the process that uses it.
///
/// The server listens on a Unix socket in a directory of mode 0700 and on nothing else. It runs in a session of its own, so
/// it outlives a killed process, and the next process on the same directory takes it over. One process at a time can hold a
/// data directory; short commands use ``withCluster(_:logger:_:)`` beside it.
public actor EmbeddedCluster {
  private enum Phase {
    case idle
    case running(ClusterUse, hold: FileLock)
    case stopped
  }

  private let configuration: ClusterConfiguration
  private let logger: Logger
  private var phase = Phase.idle

  /// A cluster; nothing happens before ``start()``.
  public init(_ configuration: ClusterConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  /// Takes hold of the data directory and starts its server, or takes over the one that a killed process left running.
  ///
  /// The first start creates the database; a start after a crash waits for recovery.
  ///
  /// - Throws: ``EmbeddedPostgresError/alreadyServing(dataDirectory:processID:)`` when another process holds it.
  public func start() async throws -> ClusterConnections {
    let directory = try await ClusterDirectory.prepare(configuration)
    guard let hold = try FileLock.attempt(directory.serveLock, .exclusive) else {
      throw EmbeddedPostgresError.alreadyServing(
        dataDirectory: directory.dataDirectory,
        processID: FileLock.recordedProcessID(directory.serveLock))
    }
    hold.recordProcessID()
    if directory.path != "\(directory.dataDirectory)/postgresql" {
      logger.notice(
        "The database lies outside the data directory, where PostgreSQL's user can reach it",
        metadata: ["directory": "\(directory.path)", "user": "\(directory.user.name)"])
    }
    do {
      let (use, address) = try await ClusterUse.begin(Cluster(directory: directory, logger: logger))
      phase = .running(use, hold: hold)
      return ClusterConnections(address, configuration)
    } catch {
      hold.release()
      throw error
    }
  }

  /// Restarts the server whenever it has died, until the task is cancelled or ``stop()`` is called; at first at once, then
  /// with growing pauses while that fails.
  public func supervise() async throws {
    var pause = Duration.milliseconds(100)
    while case .running(let use, _) = phase, !Task.isCancelled {
      do {
        if use.isServerGone {
          logger.error("PostgreSQL has died; starting it again")
          try await use.ensureRunning()
          pause = .milliseconds(100)
        }
        try await Task.sleep(for: .milliseconds(200))
      } catch {
        // Cancelling ends the programs that a start runs.
        if Task.isCancelled { return }
        logger.error(
          "PostgreSQL could not be started", metadata: ["error": "\(error)", "again in": "\(pause)"])
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(10))
      }
    }
  }

  /// Releases the data directory, and shuts the server down, unless a command still uses it; then the command does so.
  public func stop() async throws {
    guard case .running(let use, let hold) = phase else { return }
    phase = .stopped
    defer { hold.release() }
    try await use.end()
  }

  /// Runs a short command on the data directory's server: the running one, or one started for that time.
  public static func withCluster<Result: Sendable>(
    _ configuration: ClusterConfiguration, logger: Logger, _ body: (ClusterConnections) async throws -> Result
  ) async throws -> Result {
    let directory = try await ClusterDirectory.prepare(configuration)
    let (use, address) = try await ClusterUse.begin(Cluster(directory: directory, logger: logger))
    let result: Result
    do {
      result = try await body(ClusterConnections(address, configuration))
    } catch {
      do {
        try await use.end()
      } catch let late {
        logger.error("PostgreSQL could not be stopped", metadata: ["error": "\(late)"])
      }
      throw error
    }
    try await use.end()
    return result
  }
}
