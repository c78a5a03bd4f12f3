import Logging
import PostgreSQL

extension Worker {
  /// Begins an attempt, which runs on by itself and calls `done` when its slot is free again.
  func start(
    _ lease: Lease, _ running: RunningJobs, _ heartbeat: LeaseHeartbeat, done: @escaping @Sendable () -> Void
  ) {
    let control = JobControl(lease)
    running.add(control)
    heartbeat.add(control)
    // Not a child of the worker's task: its end is settled with statements after that was cancelled.
    Task {
      let began = ContinuousClock.now
      let attempt = Task { try await handler(JobContext(control: control, queue: queue)) }
      control.attach(attempt)
      if let outcome = await settle(control, await attempt.result, running) {
        onEnd(lease.job, outcome, ContinuousClock.now - began)
      }
      heartbeat.remove(control)
      let pause = rest(lease.job, ContinuousClock.now - began)
      if pause > .zero { cooldown.begin(lease.job.tenant, for: pause) }
      running.remove(control)
      done()
      guard pause > .zero else { return }
      try? await Task.sleep(for: pause)
      done()
    }
  }

  /// Tells the handlers to stop, gives them a moment, and hands back what is left.
  func shutDown(_ running: RunningJobs) async {
    let began = ContinuousClock.now
    for control in running.all { control.stop(.shutdown) }
    while running.count > 0, ContinuousClock.now - began < timeout {
      try? await Task.sleep(for: .milliseconds(10))
    }
    for control in running.all {
      logger.warning("a job's handler did not stop in time", metadata: Self.describe(control))
      running.remove(control)
      let state = await store(control) { try await queue.release(control.lease) }
      onEnd(control.lease.job, AttemptOutcome(state, isHandedBack: true), ContinuousClock.now - began)
    }
  }

  /// Stores how an attempt ended.
  ///
  /// - Returns: what became of it; `nil` if it was handed back already, while the handler went on.
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
      return AttemptOutcome(await store(control) { try await queue.release(lease) }, isHandedBack: true)
    case (.failure(let error), nil):
      let mayPass = error is CancellationError || isRetryable(error)
      let state = await store(control) {
        try await queue.fail(lease, JobErrorRecord(error), retry: mayPass)
      }
      var metadata = Self.describe(control)
      metadata["error"] = "\(error)"
      metadata["state"] = state.map { "\($0.rawValue)" }
      logger.warning("an attempt failed", metadata: metadata)
      return AttemptOutcome(state)
    }
  }

  /// Runs the statements that end an attempt, again while the database is away; the heart keeps the lease meanwhile. If
  /// it stays away, the lease runs out and the job is rescued.
  ///
  /// - Returns: the job's new state; `nil` if it could not be stored, or is not this worker's to store.
  private func store(
    _ control: JobControl, _ statements: nonisolated(nonsending) () async throws -> JobState
  ) async -> JobState? {
    var pause = Duration.milliseconds(100)
    let deadline = ContinuousClock.now + .seconds(control.stopReason == .shutdown ? 1 : 60)
    while true {
      do {
        return try await statements()
      } catch JobQueueError.leaseLost {
        // Ended by a COMMIT whose answer was lost, or taken by another worker: either way it is not ours to end.
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
