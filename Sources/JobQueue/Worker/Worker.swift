import Foundation
public import Logging
public import PostgreSQL

/// Claims the jobs of a queue and runs a handler for each, several at a time.
///
/// Notifications wake the worker. It also polls, since notifications are lost while their connection is down. Any number of
/// workers can share a queue, in one process or in many.
public struct Worker: Sendable {
  /// Runs one attempt of a job. Returning ends the job, unless ``JobContext/finish(_:in:)`` has ended it; throwing ends the
  /// attempt: see ``RetryableJobError`` and ``DescribedJobError``.
  public typealias Handler = @Sendable (JobContext) async throws -> Void

  let queue: JobQueue
  let connection: ConnectionConfiguration
  let slots: Int
  let name: String
  let logger: Logger
  let onEnd: @Sendable (Job, AttemptOutcome, Duration) -> Void
  let cooldown: @Sendable (Job, Duration) -> Duration
  let cooldowns = TenantCooldown()
  let handler: Handler

  /// The interval between two polls.
  var pollInterval: Duration = .seconds(1)
  /// How long a handler has to stop when the worker shuts down, before its job is handed back without it.
  var shutdownTimeout: Duration = .milliseconds(700)

  /// A worker; ``run()`` starts it.
  ///
  /// - Parameters:
  ///   - queue: the jobs that the worker runs.
  ///   - connection: for two connections beside the queue's pool: one listens, straight to PostgreSQL; one renews leases.
  ///   - slots: jobs at a time.
  ///   - name: stored with each claim, for people who look at the table; `nil` for `host:process`.
  ///   - logger: receives failed attempts and lost connections.
  ///   - onEnd: called after each attempt with its outcome and how long it took.
  ///   - cooldown: returns for how long this worker skips the job's tenant after an attempt that took so long.
  ///   - handler: runs an attempt.
  public init(
    queue: JobQueue, connection: ConnectionConfiguration, slots: Int, name: String? = nil, logger: Logger,
    onEnd: @escaping @Sendable (Job, AttemptOutcome, Duration) -> Void = { _, _, _ in },
    cooldown: @escaping @Sendable (Job, Duration) -> Duration = { _, _ in .zero },
    handler: @escaping Handler
  ) {
    self.queue = queue
    self.connection = connection
    self.slots = max(1, slots)
    let process = ProcessInfo.processInfo
    self.name = name ?? "\(process.hostName):\(process.processIdentifier)"
    self.logger = logger
    self.onEnd = onEnd
    self.cooldown = cooldown
    self.handler = handler
  }

  /// Works until the task is cancelled. Then it claims no more jobs, stops the handlers, and hands their jobs back within a
  /// second, without using up an attempt.
  ///
  /// A handler that does not stop in time is left behind: its job belongs to other workers by then, and its writes are
  /// refused.
  public func run() async throws {
    let thread = DedicatedThread(name: "job-heartbeat")
    let heartbeat = LeaseHeartbeat(queue, connection: connection, thread: thread)
    let renewing = Task(executorPreference: thread) { await heartbeat.run() }
    let (wakeups, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let running = RunningJobs()

    await withTaskGroup(of: Void.self) { group in
      group.addTask { await listen(heartbeat) { wake.yield() } }
      group.addTask { await poll { wake.yield() } }
      group.addTask { await maintain() }
      for await _ in wakeups {
        while running.count < slots, !Task.isCancelled, let lease = await claim() {
          start(lease, running, heartbeat) { wake.yield() }
        }
      }
      group.cancelAll()
    }
    // Not part of the cancelled task, since handing back takes statements.
    await Task { await shutDown(running) }.value
    heartbeat.stop()
    await renewing.value
    thread.stop()
  }

  private func claim() async -> Lease? {
    do {
      return try await queue.claim(worker: name, passingOver: cooldowns.tenants)
    } catch {
      if !Task.isCancelled { logger.warning("claim of a job failed", metadata: ["error": "\(error)"]) }
      return nil
    }
  }

  private func listen(_ heartbeat: LeaseHeartbeat, _ wake: @Sendable () -> Void) async {
    let listener = Listener(connection, channels: [queue.configuration.channels.wake], logger: logger)
    for await event in listener.events() {
      switch event {
      case .connected: wake()
      case .notification(_, let payload, _):
        guard payload == queue.kind else { continue }
        wake()
        heartbeat.renewNow()
      case .disconnected, .alive: break
      }
    }
  }

  private func poll(_ wake: @Sendable () -> Void) async {
    while !Task.isCancelled {
      wake()
      try? await Task.sleep(for: pollInterval)
    }
  }

  /// Rescues and prunes jobs periodically. Several workers may do so at the same time.
  private func maintain() async {
    var nextPruning = ContinuousClock.now
    while !Task.isCancelled {
      do {
        try await queue.rescue()
        if let retention = queue.configuration.retention, ContinuousClock.now >= nextPruning {
          nextPruning = .now + .seconds(3600)
          try await queue.prune(olderThan: retention)
        }
      } catch {
        if !Task.isCancelled {
          logger.warning("queue maintenance failed", metadata: ["error": "\(error)"])
        }
      }
      try? await Task.sleep(for: pollInterval)
    }
  }
}
