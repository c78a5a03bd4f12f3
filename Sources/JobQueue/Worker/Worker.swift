public import Logging
public import PostgreSQL
import Foundation

/// Takes jobs up and gives them to a handler, several at a time.
///
/// It is woken by notifications and looks by itself now and then, since notifications get lost while their connection
/// is down. Any number of workers can share a queue, in one process or in many.
public struct Worker: Sendable {
  /// Does one attempt of a job. Returning ends the job, unless it was ended with ``JobContext/finish(_:in:)`` already;
  /// throwing ends the attempt: see ``RetryableJobError`` and ``DescribedJobError``.
  public typealias Handler = @Sendable (JobContext) async throws -> Void

  let queue: JobQueue
  let connection: ConnectionConfiguration
  let slots: Int
  let name: String
  let logger: Logger
  let onEnd: @Sendable (Job, AttemptOutcome, Duration) -> Void
  let rest: @Sendable (Job, Duration) -> Duration
  let cooldown = TenantCooldown()
  let handler: Handler

  /// How often it looks for work without being told.
  var pollInterval: Duration = .seconds(1)
  /// How long a handler has to stop when the worker shuts down, before its job is handed back without it.
  var timeout: Duration = .milliseconds(700)

  /// A worker; ``run()`` starts it.
  ///
  /// - Parameters:
  ///   - connection: for two connections of its own, beside the queue's pool: one listens, straight to PostgreSQL; one
  ///     renews the leases.
  ///   - slots: jobs at a time.
  ///   - onEnd: is told of each attempt: how it ended, and how long it took.
  ///   - rest: for how long the tenant of a job is passed over by this worker after an attempt that took so long.
  ///   - handler: does the work.
  public init(
    queue: JobQueue, connection: ConnectionConfiguration, slots: Int, logger: Logger,
    onEnd: @escaping @Sendable (Job, AttemptOutcome, Duration) -> Void = { _, _, _ in },
    rest: @escaping @Sendable (Job, Duration) -> Duration = { _, _ in .zero },
    handler: @escaping Handler
  ) {
    self.queue = queue
    self.connection = connection
    self.slots = max(1, slots)
    self.name = "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier)"
    self.logger = logger
    self.onEnd = onEnd
    self.rest = rest
    self.handler = handler
  }

  /// Works until the task is cancelled; then no job is taken up any more, the handlers are told to stop, and what they
  /// were doing is handed back within a second, without using up an attempt.
  ///
  /// A handler that does not stop in time is left behind: its job belongs to others by then, and it cannot end it.
  public func run() async throws {
    let thread = DedicatedThread(name: "job-heart")
    let heartbeat = LeaseHeartbeat(queue, connection: connection, thread: thread)
    let beating = Task(executorPreference: thread) { await heartbeat.run() }
    let (wakeups, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    let running = RunningJobs()

    await withTaskGroup(of: Void.self) { group in
      group.addTask { await listen(heartbeat) { wake.yield() } }
      group.addTask { await look { wake.yield() } }
      group.addTask { await tidyUp() }
      for await _ in wakeups {
        while running.count < slots, !Task.isCancelled, let lease = await claim() {
          start(lease, running, heartbeat) { wake.yield() }
        }
      }
      group.cancelAll()
    }
    // Not part of the cancelled task: handing back takes statements.
    await Task { await shutDown(running) }.value
    heartbeat.stop()
    await beating.value
    thread.stop()
  }

  private func claim() async -> Lease? {
    do {
      return try await queue.claim(worker: name, passingOver: cooldown.tenants)
    } catch {
      if !Task.isCancelled { logger.warning("could not look for jobs", metadata: ["error": "\(error)"]) }
      return nil
    }
  }

  private func listen(_ heartbeat: LeaseHeartbeat, _ wake: @Sendable () -> Void) async {
    let listener = Listener(connection, channels: [JobQueue.wakeChannel], logger: logger)
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

  /// Looks for work without being told, whatever the rest waits for.
  private func look(_ wake: @Sendable () -> Void) async {
    while !Task.isCancelled {
      wake()
      try? await Task.sleep(for: pollInterval)
    }
  }

  /// What some worker has to do now and then; several may at the same time.
  private func tidyUp() async {
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
          logger.warning("tidying up the queue failed", metadata: ["error": "\(error)"])
        }
      }
      try? await Task.sleep(for: pollInterval)
    }
  }
}
