public import Logging
internal import Synchronization

/// Refuses transactions that write while the server does not confirm commits (a circuit breaker: M. Nygard, Release It!).
///
/// A COMMIT waits for its synchronous standby for as long as that is away (manual, 27.2.8). A client that severs the session
/// leaves a server process behind that keeps its locks and its place among `max_connections` until the standby is back, so
/// that each further attempt would leave one more. A commit that is not confirmed in time opens the breaker. It closes by
/// itself once no server process hangs in a COMMIT any more and a commit of its own is confirmed. Transactions that are
/// declared read-only are not affected.
public final class CommitCircuitBreaker: Sendable {
  /// How a commit ended.
  enum Confirmation: Sendable {
    /// It is confirmed.
    case confirmed
    /// The server has committed without its standby.
    case committedLocally
    /// Its session was severed, and goes on at the server.
    case connectionSevered
    /// It failed for another reason, such as a lost connection.
    case failed
  }

  private struct State {
    /// When each commit that is under way began.
    var running: [UInt64: ContinuousClock.Instant] = [:]
    var isOpen = false
    /// Commits that were severed early since one was confirmed.
    var earlyStalls = 0
    var stalls = 0
  }

  /// How long a commit may take before it counts as slow.
  private static let slow = Duration.seconds(1)
  /// How long a commit must have waited to open the breaker, unless the configuration allows it less. Callers with less time,
  /// such as heartbeats, sever their sessions earlier: three of those in a row open it, too.
  private static let stalled = Duration.seconds(10)
  private static let earlyStallsAtMost = 2
  /// How often an open breaker tries whether commits are confirmed again.
  private static let interval = Duration.milliseconds(500)
  /// How long a commit of the breaker's own may take; longer than a server process must hang to be counted.
  private static let trialTimeout = Duration.seconds(5)

  private let maxSlowCommits: Int
  private let logger: Logger
  private let state = LockedValueBox(State())

  /// A closed breaker.
  ///
  /// - Parameter connections: how many connections write at the most. While half of them wait for slow commits, further
  ///   transactions are refused, so that there are connections left for those that only read.
  public init(connections: Int, logger: Logger) {
    maxSlowCommits = max(1, connections / 2)
    self.logger = logger
  }

  /// Whether transactions that write are refused until the server confirms commits again.
  public var isOpen: Bool { state.withLock { $0.isOpen } }

  /// How many commits were not confirmed in time since the breaker was made.
  public var stalls: Int { state.withLock { $0.stalls } }

  /// Passes while commits are confirmed. To be called before a transaction that writes.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `writesSuspended`.
  func admit() throws {
    let isAdmitted = state.withLock { state in
      if state.isOpen { return false }
      guard state.running.count >= maxSlowCommits else { return true }
      let limit = ContinuousClock.now - Self.slow
      return state.running.values.count { $0 < limit } < maxSlowCommits
    }
    guard !isAdmitted else { return }
    throw PostgreSQLError(
      .writesSuspended, "the server does not confirm commits; writes are refused until it does")
  }

  /// Statements that end with COMMIT are on their way.
  func began(_ id: UInt64) {
    state.withLock { $0.running[id] = .now }
  }

  /// Statements that end with COMMIT have ended, or were given up.
  ///
  /// - Parameter configuration: how to reach their server.
  func ended(_ id: UInt64, _ confirmation: Confirmation, _ configuration: ConnectionConfiguration) {
    let opens = state.withLock { state in
      guard let start = state.running.removeValue(forKey: id) else { return false }
      var opens = true
      switch confirmation {
      case .failed: return false
      case .confirmed:
        state.earlyStalls = 0
        return false
      case .connectionSevered where .now - start < min(Self.stalled, configuration.commitTimeout) - .milliseconds(100):
        state.earlyStalls += 1
        opens = state.earlyStalls > Self.earlyStallsAtMost
      case .connectionSevered, .committedLocally: break
      }
      state.stalls += 1
      guard opens, !state.isOpen else { return false }
      state.isOpen = true
      return true
    }
    guard opens else { return }
    logger.error(
      "a commit was not confirmed in time; writes are refused until the server confirms commits again")
    // It works for all connections, and outlives the task whose commit was the first. What came before a COMMIT in the same
    // pipeline may have taken the time, which the server does not tell before all is done: then the first trial closes it.
    Task.detached { [weak self] in
      let start = ContinuousClock.now
      while let self, await !tryToClose(configuration) { try? await Task.sleep(for: Self.interval) }
      self?.logger.notice(
        "commits are confirmed again", metadata: ["after": "\(ContinuousClock.now - start)"])
    }
  }

  /// Closes the breaker if the server confirms commits.
  private func tryToClose(_ configuration: ConnectionConfiguration) async -> Bool {
    var configuration = configuration
    configuration.commitBreaker = nil
    configuration.commitTimeout = Self.trialTimeout
    // As the session's own user, who sees what the sessions of that user wait for (manual, 28.2.3).
    configuration.sessionSetup = []
    do {
      let connection = try await Connection.connect(configuration, logger: logger)
      let isClosing = await isConfirming(connection)
      await connection.close()
      if isClosing {
        state.withLock { state in
          state.isOpen = false
          state.earlyStalls = 0
        }
      }
      return isClosing
    } catch {
      return false
    }
  }

  private func isConfirming(_ connection: Connection) async -> Bool {
    do {
      // Found by what they do: behind a pooler nobody knows the numbers of the server's processes.
      let row = try await connection.query(
        """
        SELECT pg_is_in_recovery(), count(*) FROM pg_stat_activity
        WHERE usename = session_user AND datname = current_database() AND state = 'active'
          AND (query = 'COMMIT' OR wait_event = 'SyncRep') AND query_start < clock_timestamp() - interval '900 ms'
        """
      ).first
      guard let (isStandby, hanging) = try row?.decode(Bool.self, Int.self) else { return false }
      // A standby took over its address: writes fail for a reason of their own.
      if isStandby { return true }
      guard hanging == 0 else { return false }
      // Writes WAL, so that its COMMIT waits for the standby, and nothing else.
      try await connection.pipeline([
        "BEGIN", "SELECT pg_logical_emit_message(true, 'commit confirmation', '')", "COMMIT",
      ])
      return true
    } catch let error as PostgreSQLError where error.sqlState == .readOnlySQLTransaction {
      return true
    } catch {
      return false
    }
  }
}
