public import Logging
internal import Synchronization

/// Refuses transactions that write while the server does not confirm commits (a circuit breaker: M. Nygard, Release It!).
///
/// A COMMIT waits for its synchronous standby for as long as that is away (manual, 27.2.8). A client that severs the session
/// leaves a server process behind that keeps its locks and its place among `max_connections` until the standby is back, so
/// that each further attempt would leave one more. The first commit that is not confirmed in time opens the breaker. It
/// closes by itself once the server processes that were left behind are gone and a commit of its own is confirmed.
/// Transactions that are declared read-only are not affected.
public final class CommitCircuitBreaker: Sendable {
  /// A commit that was not confirmed in time.
  struct Stall: Sendable {
    /// The server process that was left behind.
    var processID: Int32
    /// How to reach its server.
    var configuration: ConnectionConfiguration

    init(processID: Int32, _ configuration: ConnectionConfiguration) {
      self.processID = processID
      self.configuration = configuration
    }
  }

  private struct State {
    /// When each commit that is under way began.
    var running: [UInt64: ContinuousClock.Instant] = [:]
    /// The server processes that were left behind; `nil` while the breaker is closed.
    var leftBehind: [Int32]?
    var stalls = 0
  }

  /// How long a commit may take before it counts as slow.
  private static let slow = Duration.seconds(1)
  /// How often an open breaker tries whether commits are confirmed again.
  private static let interval = Duration.milliseconds(500)
  /// How long a commit of the breaker's own may take.
  private static let trialTimeout = Duration.seconds(5)

  private let maxSlowCommits: Int
  private let logger: Logger
  private let state = Protected(State())

  /// A closed breaker.
  ///
  /// - Parameter connections: how many connections write at the most. While half of them wait for slow commits, further
  ///   transactions are refused, so that there are connections left for those that only read.
  public init(connections: Int, logger: Logger) {
    maxSlowCommits = max(1, connections / 2)
    self.logger = logger
  }

  /// Whether transactions that write are refused until the server confirms commits again.
  public var isOpen: Bool { state.withLock { $0.leftBehind != nil } }

  /// How many commits were not confirmed in time since the breaker was made.
  public var stalls: Int { state.withLock { $0.stalls } }

  /// Passes while commits are confirmed. To be called before a transaction that writes.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `writesSuspended`.
  func admit() throws {
    let isAdmitted = state.withLock { state in
      if state.leftBehind != nil { return false }
      guard state.running.count >= maxSlowCommits else { return true }
      let limit = ContinuousClock.now - Self.slow
      return state.running.values.count { $0 < limit } < maxSlowCommits
    }
    guard !isAdmitted else { return }
    throw PostgreSQLError(
      .writesSuspended, "the server does not confirm commits; writes are refused until it does")
  }

  /// A commit is on its way.
  func began(_ id: UInt64) {
    state.withLock { $0.running[id] = .now }
  }

  /// A commit has ended, or was given up.
  func ended(_ id: UInt64, stalled: Stall?) {
    let opens = state.withLock { state in
      state.running[id] = nil
      guard let stalled else { return false }
      state.stalls += 1
      let opens = state.leftBehind == nil
      state.leftBehind = (state.leftBehind ?? []) + [stalled.processID]
      return opens
    }
    guard let stalled, opens else { return }
    logger.error(
      "a commit was not confirmed in time; writes are refused until the server confirms commits again")
    // It works for all connections, and outlives the task whose commit was the first.
    Task.detached { [weak self] in
      let start = ContinuousClock.now
      while let self, await !tryToClose(stalled.configuration) { try? await Task.sleep(for: Self.interval) }
      self?.logger.notice(
        "commits are confirmed again", metadata: ["after": "\(ContinuousClock.now - start)"])
    }
  }

  /// Closes the breaker if the server confirms commits.
  private func tryToClose(_ configuration: ConnectionConfiguration) async -> Bool {
    var configuration = configuration
    configuration.commitBreaker = nil
    configuration.commitTimeout = Self.trialTimeout
    do {
      let connection = try await Connection.connect(configuration, logger: logger)
      let isClosing = await isConfirming(connection)
      await connection.close()
      if isClosing { state.withLock { $0.leftBehind = nil } }
      return isClosing
    } catch {
      return false
    }
  }

  private func isConfirming(_ connection: Connection) async -> Bool {
    let processID = connection.processID
    do {
      let candidates = state.withLock { $0.leftBehind ?? [] }
      // A server process leaves when it finds its client gone, after the commit that it waits for.
      let remaining = try await connection.query(
        """
        SELECT pid FROM pg_stat_activity
        WHERE pid = ANY(\(candidates)) AND usename = session_user AND coalesce(wait_event <> 'ClientRead', true)
        """
      ).map { try $0.decode(Int32.self) }
      state.withLock { state in
        // Those that stalled in between are new.
        state.leftBehind = state.leftBehind.map { all in
          all.filter { !candidates.contains($0) || remaining.contains($0) }
        }
      }
      guard state.withLock({ $0.leftBehind?.isEmpty ?? true }) else { return false }
      // Writes WAL, so that its COMMIT waits for the standby, and nothing else.
      try await connection.pipeline([
        "BEGIN", "SELECT pg_logical_emit_message(true, 'commit confirmation', '')", "COMMIT",
      ])
      return true
    } catch let error as PostgreSQLError where error.sqlState == .readOnlySQLTransaction {
      // A standby took over its address: writes fail for a reason of their own.
      return true
    } catch let error as PostgreSQLError where error.isOutcomeUnknown {
      state.withLock { $0.leftBehind?.append(processID) }
      return false
    } catch {
      return false
    }
  }
}
