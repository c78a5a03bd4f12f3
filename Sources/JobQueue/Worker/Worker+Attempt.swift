import Logging
import PostgreSQL

extension Worker {
  /// Starts an attempt, which calls `done` when its slot is free, and again when the tenant's cooldown is over.
  func start(
    _ lease: Lease, _ running: RunningJobs, _ heartbeat: LeaseHeartbeat, done: @escaping @Sendable () -> Void
  ) {
    let control = JobControl(lease)
    running.add(control)
    heartbeat.add(control)
    // Not a child of the worker's task: statements store the attempt's end after that task was cancelled.
    Task {
      let began = ContinuousClock.now
      let attempt = Task {
        await queue.awaitJoiners(of: lease.job)
        try await handler(JobContext(control: control, queue: queue))
      }
      control.attach(attempt)
      if let outcome = await settle(control, await attempt.result, running) {
        onEnd(lease.job, outcome, ContinuousClock.now - began)
      }
      heartbeat.remove(control)
      let pause = cooldown(lease.job, ContinuousClock.now - began)
      if pause > .zero { cooldowns.begin(lease.job.tenant, for: pause) }
      running.remove(control)
      done()
      guard pause > .zero else { return }
      try? await Task.sleep(for: pause)
      done()
    }
  }

  /// Stops the handlers, waits for ``shutdownTimeout``, and hands back the jobs that are left.
  func shutDown(_ running: RunningJobs) async {
    let began = ContinuousClock.now
    for control in running.all { control.stop(.shutdown) }
    while running.count > 0, ContinuousClock.now - began < shutdownTimeout {
      try? await Task.sleep(for: .milliseconds(10))
    }
    for control in running.all {
      logger.warning("handler of a job did not stop in time", metadata: Self.describe(control))
      running.remove(control)
      let state = await store(control) { try await queue.release(control.lease) }
      onEnd(control.lease.job, AttemptOutcome(state, requeued: .handedBack), ContinuousClock.now - began)
    }
  }

  /// Stores the end of an attempt.
  ///
  /// - Returns: the outcome; `nil` if the job was handed back while the handler went on.
  private func settle(
    _ control: JobControl, _ result: Result<Void, any Error>, _ running: RunningJobs
  ) async -> AttemptOutcome? {
    guard running.contains(control) else { return nil }
    let lease = control.lease
    switch (result, control.stopReason) {
    case (.success, _) where control.isFinished: return .succeeded
    case (.success, _):
      return AttemptOutcome(
        await store(control) {
          try await queue.transaction { try await queue.succeed(lease, result: nil, in: $0) }
          return .succeeded
        })
    case (.failure(JobQueueError.leaseLost), _), (.failure, .leaseLost):
      logger.warning("a job was lost to another worker", metadata: Self.describe(control))
      return .lost
    case (.failure(JobQueueError.cancelRequested), _), (.failure, .cancelRequested):
      return AttemptOutcome(
        await store(control) { try await queue.fail(lease, .cancelled, retry: false) })
    case (.failure, .shutdown):
      return AttemptOutcome(await store(control) { try await queue.release(lease) }, requeued: .handedBack)
    case (.failure(let postponed as JobPostponed), nil):
      var metadata = Self.describe(control)
      metadata["error"] = "\(postponed.cause)"
      logger.info("a job was postponed", metadata: metadata)
      return AttemptOutcome(
        await store(control) { try await queue.release(lease, after: postponed.delay) }, requeued: .postponed)
    case (.failure(let error), nil):
      let isTransient = error is CancellationError || isRetryable(error)
      let state = await store(control) {
        try await queue.fail(lease, JobErrorRecord(error), retry: isTransient)
      }
      var metadata = Self.describe(control)
      metadata["error"] = "\(error)"
      metadata["state"] = state.map { "\($0.rawValue)" }
      logger.warning("an attempt failed", metadata: metadata)
      return AttemptOutcome(state)
    }
  }

  /// Runs the statements that end an attempt, and retries them while the database is unreachable. The heartbeat keeps the
  /// lease meanwhile. If the database stays unreachable, the lease expires and the job is rescued.
  ///
  /// - Returns: the job's new state; `nil` if it could not be stored, or if the job does not belong to this worker.
  private func store(
    _ control: JobControl, _ statements: nonisolated(nonsending) () async throws -> JobState
  ) async -> JobState? {
    var pause = Duration.milliseconds(100)
    let deadline = ContinuousClock.now + .seconds(control.stopReason == .shutdown ? 1 : 60)
    while true {
      do {
        return try await statements()
      } catch JobQueueError.leaseLost {
        // Ended by a COMMIT whose response was lost, or claimed by another worker.
        return nil
      } catch JobQueueError.cancelRequested {
        return await store(control) { try await queue.fail(control.lease, .cancelled, retry: false) }
      } catch {
        guard isRetryable(error), ContinuousClock.now + pause < deadline else {
          var metadata = Self.describe(control)
          metadata["error"] = "\(error)"
          logger.error("the end of an attempt could not be stored", metadata: metadata)
          return nil
        }
        try? await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(2))
      }
    }
  }

  private static func describe(_ control: JobControl) -> Logger.Metadata {
    let job = control.lease.job
    return ["tenant": "\(job.tenant)", "job": "\(job.id)", "attempt": "\(job.attempt)"]
  }
}
