public import Logging

/// An event of a ``Listener``.
public enum ListenerEvent: Sendable {
  /// LISTEN is active on all channels. Notifications before this event are lost, so that the caller reads the tables once.
  case connected
  /// A notification from NOTIFY.
  case notification(channel: String, payload: String, processID: Int32)
  /// The server has answered a heartbeat that was sent at this time. All earlier notifications have been delivered.
  case alive(since: ContinuousClock.Instant)
  /// The connection was lost or could not be established; another attempt follows.
  case disconnected(PostgreSQLError)
}

/// Listens to channels (manual, LISTEN) on a connection of its own, and reconnects whenever the connection is lost.
///
/// The connection must not lead through a pooler in transaction mode, which runs LISTEN in a session that serves another client
/// next.
public struct Listener: Sendable {
  private let configuration: ConnectionConfiguration
  private let channels: [String]
  private let heartbeat: Duration
  private let logger: Logger

  /// Creates a listener.
  ///
  /// - Parameters:
  ///   - configuration: the parameters of the connection.
  ///   - channels: the channels to listen to, as quoted identifiers, so that upper and lower case differ.
  ///   - heartbeat: the interval of probes, which detect a silently lost peer.
  ///   - logger: receives lost and restored connections.
  public init(
    _ configuration: ConnectionConfiguration, channels: [String], heartbeat: Duration = .seconds(30),
    logger: Logger = Logger(label: "postgresql.listener")
  ) {
    self.configuration = configuration
    self.channels = channels
    self.heartbeat = heartbeat
    self.logger = logger
  }

  /// The events, until the stream is dropped or the task that reads it is cancelled.
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
          // One warning per run of failures: the attempts that follow add nothing.
          logger.log(
            level: connectFailures == nil ? .warning : .debug, "listener disconnected, will reconnect",
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

  /// Listens on one connection until it ends, and returns the reason.
  private func listen(
    _ events: AsyncStream<ListenerEvent>.Continuation, _ connected: () -> Void
  ) async -> PostgreSQLError {
    do {
      var direct = configuration
      // Each LISTEN is sent once, so that preparing it has no use.
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

/// A notification as libpq delivers it.
struct Notification: Sendable {
  let channel: String
  let payload: String
  /// The backend PID of the notifying session.
  let processID: Int32
}

extension Connection {
  /// Sets the callbacks for notifications and for the end of the connection.
  func observe(
    _ notification: @escaping @Sendable (Notification) -> Void,
    onEnd: @escaping @Sendable (PostgreSQLError) -> Void
  ) {
    state.withLock { $0.onNotification = notification }
    notifyEnd(onEnd)
  }
}
