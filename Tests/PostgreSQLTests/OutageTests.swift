import Logging
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// Tests of a server that stops and returns.
@Suite struct OutageTests {
  /// The time to recover follows from the pauses between attempts, which `PoolStateMachineTests` checks without a clock.
  @Test func `pool and listener recover by themselves and log once`() async throws {
    try await TestCluster.with { cluster in
      let log = CollectedLog()
      let logger = Logger(label: "test") { _ in log }
      let pool = ConnectionPool(
        .init(connection: cluster.configuration, minimum: 2, maximum: 4, acquireTimeout: .seconds(5)),
        logger: logger)
      let keeper = Task { try await pool.run() }
      let heard = Heard()
      let listener = Task {
        for await event in Listener(cluster.configuration, channels: ["c"], logger: logger).events() {
          switch event {
          case .connected: heard.append("connected")
          case .disconnected: heard.append("disconnected")
          case .alive: break
          case .notification: heard.append("notification")
          }
        }
      }
      try await eventually { heard.events == ["connected"] }
      for outage in 1...2 {
        // Several tasks run statements before, during and after the outage.
        let answers = Counter()
        let busy = (0..<4).map { _ in
          Task {
            while !Task.isCancelled {
              do {
                try await pool.query("SELECT pg_sleep(0.002)")
                answers.add()
              } catch let error as PostgreSQLError {
                #expect(error.isConnectionProblem || error.kind == .cancelled, "\(error)")
                try? await Task.sleep(for: .milliseconds(5))
              }
            }
          }
        }
        try await eventually { answers.value > 20 }
        try await cluster.stop()
        try await eventually {
          log.count(.warning, "cannot connect") == outage
            && log.count(.warning, "listener disconnected") == outage
        }
        // Long enough for the longest pauses between attempts.
        try await Task.sleep(for: .milliseconds(1_500))
        try await cluster.start()
        try await eventually { (try? await pool.query("SELECT 1")) != nil }
        try await eventually { heard.events.count == 1 + 2 * outage }
        for task in busy { task.cancel() }
        for task in busy { try await task.value }
        #expect(log.count(.warning, "cannot connect") == outage)
        #expect(log.count(.warning, "listener disconnected") == outage)
        try await eventually {
          log.count(.notice, "connected again") == outage && log.count(.notice, "listening again") == outage
        }
      }
      #expect(log.count(.warning, "") == 4)
      listener.cancel()
      keeper.cancel()
      await pool.close()
    }
  }
}

/// The events that a listener reported, without repetitions.
private final class Heard: Sendable {
  private let list = Mutex<[String]>([])

  var events: [String] { list.withLock { $0 } }

  func append(_ event: String) {
    list.withLock { list in
      if list.last != event { list.append(event) }
    }
  }
}

/// Collects log lines of level `notice` and above.
private final class CollectedLog: LogHandler {
  private let lines = Mutex<[(level: Logger.Level, message: String)]>([])

  func count(_ level: Logger.Level, _ prefix: String) -> Int {
    lines.withLock { $0.count { $0.level == level && $0.message.hasPrefix(prefix) } }
  }

  func log(event: LogEvent) {
    lines.withLock { $0.append((event.level, event.message.description)) }
  }

  subscript(metadataKey _: String) -> Logger.Metadata.Value? {
    get { nil }
    set {}
  }
  var metadata: Logger.Metadata {
    get { [:] }
    set {}
  }
  var logLevel: Logger.Level {
    get { .notice }
    set {}
  }
}
