public import Logging

/// A private PostgreSQL in a data directory, made, started, watched and stopped by the process that uses it.
///
/// The server listens on a Unix socket in a directory of mode 0700 and on nothing else. It runs in a session of its
/// own: it outlives a killed process, and the next one on the same directory takes it over. One process at a time can
/// hold a data directory as its server; short commands use ``withCluster(dataDirectory:logger:_:)`` beside it.
public actor EmbeddedCluster {
  private enum Phase {
    case idle
    case running(ClusterUse, hold: FileLock)
    case stopped
  }

  private let dataDirectory: String
  private let logger: Logger
  private var phase = Phase.idle

  /// A cluster in a directory, which is made if it is not there. Nothing happens before ``start()``.
  public init(dataDirectory: String, logger: Logger) {
    self.dataDirectory = dataDirectory
    self.logger = logger
  }

  /// Takes the data directory and starts its server, or takes over the one that a killed process left running.
  ///
  /// The first start makes the database; a start after a crash waits for its recovery.
  /// - Throws: ``EmbeddedPostgresError/alreadyServing(dataDirectory:processID:)`` when another process has it.
  public func start() async throws -> ClusterConnections {
    let directory = try await ClusterDirectory.prepare(dataDirectory)
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
      return ClusterConnections(address)
    } catch {
      hold.release()
      throw error
    }
  }

  /// Watches the server until the task is cancelled or ``stop()`` is called, and starts it again when it has died,
  /// at first at once, then with growing pauses while that fails.
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

  /// Stops the server in an orderly way, unless a command is still using it, which then does so, and gives the data
  /// directory back.
  public func stop() async throws {
    guard case .running(let use, let hold) = phase else { return }
    phase = .stopped
    defer { hold.release() }
    try await use.end()
  }

  /// Runs a short command's work on the data directory's server: the running one, or one started for that time.
  public static func withCluster<Result: Sendable>(
    dataDirectory: String, logger: Logger,
    _ body: (ClusterConnections) async throws -> Result
  ) async throws -> Result {
    let directory = try await ClusterDirectory.prepare(dataDirectory)
    let (use, address) = try await ClusterUse.begin(Cluster(directory: directory, logger: logger))
    let result: Result
    do {
      result = try await body(ClusterConnections(address))
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
