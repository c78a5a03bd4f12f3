public import Logging
internal import Synchronization

/// A circuit breaker that refuses writing transactions while the server does not confirm commits (M. Nygard, Release It!).
///
/// A COMMIT waits for its synchronous standby for as long as the standby is away (manual, 27.2.8). When a client severs the
/// session, the server process remains until the standby returns, and keeps its locks and its slot in `max_connections`. Each
/// further attempt would add one more such process. A commit that is not confirmed in time opens the breaker. The breaker closes
/// once no server process hangs in COMMIT and a trial commit of its own is confirmed. Read-only transactions are not affected.
public final class CommitCircuitBreaker: Sendable {
  /// The outcome of a commit.
  enum Confirmation: Sendable {
    /// The server confirmed the commit.
    case confirmed
    /// The server committed locally, without its synchronous standby.
    case committedLocally
    /// The client severed the session; the commit continues on the server.
    case connectionSevered
    /// The commit failed for another reason, such as a lost connection.
    case failed
  }

  private struct State {
    /// Start times of the commits in progress, by operation.
    var running: [UInt64: ContinuousClock.Instant] = [:]
    var isOpen = false
    /// Early severed commits since the last confirmed one.
    var earlyStalls = 0
    var stalls = 0
  }

  /// Duration after which a commit counts as slow.
  private static let slow = Duration.seconds(1)
  /// Duration after which one unconfirmed commit opens the breaker, unless `commitTimeout` is shorter. Callers with shorter
  /// deadlines, such as heartbeats, sever their sessions earlier; three of those in a row open it, too.
  private static let stalled = Duration.seconds(10)
  private static let earlyStallsAtMost = 2
  /// Interval between trials of an open breaker.
  private static let interval = Duration.milliseconds(500)
  /// Timeout of a trial commit; longer than the age at which a hanging server process is counted.
  private static let trialTimeout = Duration.seconds(5)

  private let maxSlowCommits: Int
  private let logger: Logger
  private let state = LockedValueBox(State())

  /// Creates a closed breaker.
  ///
  /// - Parameters:
  ///   - connections: the maximum number of writing connections. While half of them wait for slow commits, further writing
  ///     transactions are refused, so that connections remain for readers.
  ///   - logger: receives the opening and closing of the breaker.
  public init(connections: Int, logger: Logger) {
    maxSlowCommits = max(1, connections / 2)
    self.logger = logger
  }

  /// Whether writing transactions are refused until the server confirms commits again.
  public var isOpen: Bool { state.withLock { $0.isOpen } }

  /// The number of commits that were not confirmed in time since the breaker was created.
  public var stalls: Int { state.withLock { $0.stalls } }

  /// Returns while commits are confirmed. Callers call it before each transaction that writes.
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

  /// Records that a commit has been sent.
  func began(_ id: UInt64) {
    state.withLock { $0.running[id] = .now }
  }

  /// Records the end of a commit, and opens the breaker if it was not confirmed in time.
  ///
  /// - Parameter configuration: connection parameters for the breaker's trials.
  func ended(_ id: UInt64, _ confirmation: Confirmation, _ configuration: ConnectionConfiguration) {
    let opens = state.withLock { state in
      guard let start = state.running.removeValue(forKey: id) else { return false }
      var opens = true
      switch confirmation {
      case .failed: return false
      case .confirmed:
        state.earlyStalls = 0
        return false
      case .connectionSevered
      where .now - start < min(Self.stalled, configuration.commitTimeout) - .milliseconds(100):
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
    // Detached: the trials serve all connections and outlive the task whose commit opened the breaker. If an earlier statement
    // of the same pipeline took the time, which the client cannot tell apart, the first trial closes the breaker.
    Task.detached { [weak self] in
      let start = ContinuousClock.now
      while let self, await !tryToClose(configuration) { try? await Task.sleep(for: Self.interval) }
      self?.logger.notice(
        "commits are confirmed again", metadata: ["after": "\(ContinuousClock.now - start)"])
    }
  }

  /// Closes the breaker if the server confirms commits. Returns whether it did.
  private func tryToClose(_ configuration: ConnectionConfiguration) async -> Bool {
    var configuration = configuration
    configuration.commitBreaker = nil
    configuration.commitTimeout = Self.trialTimeout
    // Without SET ROLE: a user sees the wait events of its own sessions only (manual, 28.2.3).
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
      // Hanging commits are matched by their activity, because behind a pooler the client does not know their backend PIDs.
      let row = try await connection.query(
        """
        SELECT pg_is_in_recovery(), count(*) FROM pg_stat_activity
        WHERE usename = session_user AND datname = current_database() AND state = 'active'
          AND (query = 'COMMIT' OR wait_event = 'SyncRep') AND query_start < clock_timestamp() - interval '900 ms'
        """
      ).first
      guard let (isStandby, hanging) = try row?.decode(Bool.self, Int.self) else { return false }
      // A standby answers at this address: writes fail there with an error of their own.
      if isStandby { return true }
      guard hanging == 0 else { return false }
      // Writes nothing but a WAL record, so that COMMIT waits for the standby.
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
