public import Logging

/// What a ``Listener`` reports.
public enum ListenerEvent: Sendable {
  /// All channels are listened to from now on. What was sent before, or while disconnected, is lost: look at the
  /// tables once.
  case connected
  /// What NOTIFY sent.
  case notification(channel: String, payload: String, processID: Int32)
  /// The server has answered a heartbeat that was sent at this time: what was notified before has been reported.
  case alive(since: ContinuousClock.Instant)
  /// The connection is lost, or could not be made; another attempt follows.
  case disconnected(PostgreSQLError)
}

/// Listens to channels (LISTEN, manual) on a connection of its own, and connects again whenever it is lost.
///
/// It needs a direct connection: a pooler in transaction mode gives LISTEN to a session that is somebody else's
/// a moment later.
public struct Listener: Sendable {
  private let configuration: ConnectionConfiguration
  private let channels: [String]
  private let heartbeat: Duration
  private let logger: Logger

  /// Names are taken literally, as within double quotes.
  ///
  /// - Parameter heartbeat: how often the connection is tried, so that a peer that vanished without a word is noticed.
  public init(
    _ configuration: ConnectionConfiguration, channels: [String], heartbeat: Duration = .seconds(30),
    logger: Logger = Logger(label: "postgresql.listener")
  ) {
    self.configuration = configuration
    self.channels = channels
    self.heartbeat = heartbeat
    self.logger = logger
  }

  /// Connects and reports until the stream is dropped or the task that reads it is cancelled.
  public func events() -> AsyncStream<ListenerEvent> {
    AsyncStream { continuation in
      let task = Task {
        var pause = Duration.milliseconds(50)
        var connectFailures: ConnectFailures?
        while !Task.isCancelled {
          let failure = await listen(continuation) {
            pause = .milliseconds(50)
            if let connectFailures { logger.notice("listening again", metadata: connectFailures.metadata) }
            connectFailures = nil
          }
          if Task.isCancelled { break }
          // One warning an connectFailures: the attempts that follow say nothing new.
          logger.log(
            level: connectFailures == nil ? .warning : .debug, "listener disconnected, will go on trying",
            metadata: ["error": "\(failure)"])
          connectFailures = ConnectFailures(following: connectFailures, failure)
          continuation.yield(.disconnected(failure))
          try? await Task.sleep(for: pause)
          pause = min(pause * 2, .milliseconds(800))
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  /// Listens on one connection to its end.
  private func listen(
    _ events: AsyncStream<ListenerEvent>.Continuation, _ connected: () -> Void
  ) async -> PostgreSQLError {
    do {
      var direct = configuration
      // Every LISTEN is sent once: nothing is worth preparing.
      direct.statementCacheCapacity = 0
      direct.statementTimeout = .seconds(10)
      let connection = try await Connection.connect(direct, logger: logger)
      let (ended, signal) = AsyncStream<PostgreSQLError>.makeStream()
      connection.observe { notification in
        events.yield(
          .notification(
            channel: notification.channel, payload: notification.payload,
            processID: notification.processID))
      } onEnd: { error in
        signal.yield(error)
      }
      try await connection.pipeline(channels.map { "LISTEN \(identifier: $0)" })
      events.yield(.connected)
      connected()
      let heartbeatTask = Task {
        do {
          while true {
            try await Task.sleep(for: heartbeat)
            let asked = ContinuousClock.now
            try await connection.pipeline([])
            events.yield(.alive(since: asked))
          }
        } catch { connection.abort() }
      }
      defer { heartbeatTask.cancel() }
      for await error in ended { return error }
      await connection.close()
      return PostgreSQLError(.cancelled, "the listener was cancelled")
    } catch {
      return (error as? PostgreSQLError) ?? PostgreSQLError(.connectionFailed, "\(error)", underlying: error)
    }
  }
}

extension Connection {
  func observe(
    _ notification: @escaping @Sendable (Notification) -> Void,
    onEnd: @escaping @Sendable (PostgreSQLError) -> Void
  ) {
    state.withLock { $0.onNotification = notification }
    notifyEnd(onEnd)
  }
}
