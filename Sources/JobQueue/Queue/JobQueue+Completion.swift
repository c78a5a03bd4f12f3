import Foundation
public import PostgreSQL

/// The end of an attempt: with a result, with a failure, or handed back.
extension JobQueue {
  /// Ends a job with its result in the caller's transaction, so that the result and the caller's other writes commit
  /// together or not at all.
  ///
  /// - Throws: ``JobQueueError/leaseLost(id:)`` when the job has another lease or none,
  ///   ``JobQueueError/cancelRequested(id:)`` when the job was cancelled meanwhile; the caller must then roll back.
  public nonisolated(nonsending) func succeed(
    _ lease: Lease, result: JSONB?, in executor: some QueryExecutor
  ) async throws {
    let rows = try await executor.query(
      """
      WITH held AS (
        SELECT tenant_id, id, cancel_requested FROM jobs WHERE \(held(lease)) FOR UPDATE
      ), job AS (
        UPDATE jobs SET
          state = 'succeeded', result = \(result), progress = 1, phase = NULL, finished_at = clock_timestamp(),
          lease_token = NULL, lease_expires_at = NULL, \(JobTransition.assignments(to: "'succeeded'"))
        FROM held
        WHERE jobs.tenant_id = held.tenant_id AND jobs.id = held.id AND NOT held.cancel_requested
        RETURNING jobs.*
      ), notified AS (
        SELECT \(eventNotification(of: "job")) FROM job
      )
      SELECT cancel_requested, (SELECT count(*) FROM notified) FROM held
      """)
    guard let row = rows.first else { throw JobQueueError.leaseLost(id: lease.job.id) }
    if try row.decode(at: 0) { throw JobQueueError.cancelRequested(id: lease.job.id) }
  }

  /// Ends a failed attempt: the job goes back to the queue with a pause if `retry` is set and attempts are left, otherwise
  /// it has failed. A job that was cancelled meanwhile is cancelled.
  ///
  /// - Returns: the job's new state.
  /// - Throws: ``JobQueueError/leaseLost(id:)``.
  @discardableResult
  public func fail(_ lease: Lease, _ error: JobErrorRecord, retry: Bool) async throws -> JobState {
    try await requeuing { transaction in
      let job = try await lock(lease, in: transaction)
      if retry, job.attempt < job.maxAttempts, !job.cancelRequested {
        try await requeue(job, after: retryDelay(attempt: job.attempt), failure: error, in: transaction)
        return .queued
      }
      let state: JobState = job.cancelRequested ? .cancelled : .failed
      try await conclude(job, state, job.cancelRequested ? .cancelled : error, in: transaction)
      return state
    }
  }

  /// Hands a job back, without using up an attempt.
  ///
  /// - Parameters:
  ///   - lease: the job's lease.
  ///   - delay: the time after which the job may be claimed again.
  /// - Returns: the job's new state.
  /// - Throws: ``JobQueueError/leaseLost(id:)``.
  @discardableResult
  public func release(_ lease: Lease, after delay: Duration = .zero) async throws -> JobState {
    try await requeuing { transaction in
      let job = try await lock(lease, in: transaction)
      if job.cancelRequested {
        try await conclude(job, .cancelled, .cancelled, in: transaction)
        return .cancelled
      }
      try await requeue(job, after: delay, failure: nil, in: transaction)
      return .queued
    }
  }

  private nonisolated(nonsending) func lock(_ lease: Lease, in transaction: Transaction) async throws -> Job {
    let rows = try await transaction.query("SELECT \(Job.columns) FROM jobs WHERE \(held(lease)) FOR UPDATE")
    guard let row = rows.first else { throw JobQueueError.leaseLost(id: lease.job.id) }
    return try Job(row)
  }

  private func held(_ lease: Lease) -> Query {
    """
    tenant_id = \(lease.job.tenant) AND id = \(lease.job.id) AND state = 'running' AND lease_token = \(lease.token)
    """
  }

  /// Doubles with each attempt, less a random half, so that jobs that failed together do not come back together.
  private func retryDelay(attempt: Int) -> Duration {
    let factor = Double(1 << min(max(attempt - 1, 0), 30))
    let whole = min(configuration.firstRetryDelay * factor, configuration.longestRetryDelay)
    return whole * Double.random(in: 0.5...1)
  }

  /// Ends a locked running job without a result. `error` also becomes the failure of the last attempt of a failed job.
  func conclude(_ job: Job, _ state: JobState, _ error: JobErrorRecord, in transaction: Transaction)
    async throws
  {
    let failures = try state == .failed ? JSONB([AttemptFailure(attempt: job.attempt, error)]) : nil
    try await transaction.query(
      """
      WITH job AS (
        UPDATE jobs SET
          state = \(state.rawValue), error = \(try JSONB(error)), phase = NULL, finished_at = clock_timestamp(),
          lease_token = NULL, lease_expires_at = NULL, \(AttemptFailure.assignment(adding: failures)),
          \(JobTransition.assignments(to: "\(state.rawValue)::text"))
        WHERE tenant_id = \(job.tenant) AND id = \(job.id)
        RETURNING *
      )
      SELECT \(eventNotification(of: "job")) FROM job
      """)
  }

  /// Puts a locked running job back into the queue.
  ///
  /// If a coalesced job was queued for the subject since this coalesced one started, this one stays, with its history,
  /// takes the other's newer parameters and further attempts, and the other one ends as superseded.
  ///
  /// - Parameter failure: why the attempt failed; `nil` takes the attempt back.
  func requeue(
    _ job: Job, after delay: Duration, failure: JobErrorRecord?, in transaction: Transaction
  ) async throws {
    let superseded = try await transaction.query(
      """
      WITH job AS (
        UPDATE jobs SET
          state = 'cancelled', finished_at = clock_timestamp(),
          error = \(try JSONB(JobErrorRecord.superseded(by: job.id))), \(JobTransition.assignments(to: "'cancelled'"))
        WHERE tenant_id = \(job.tenant) AND kind = \(kind) AND subject = \(job.subject) AND state = 'queued' AND coalesced
          AND (SELECT self.coalesced FROM jobs AS self WHERE self.tenant_id = \(job.tenant) AND self.id = \(job.id))
        RETURNING *
      )
      SELECT parameters, max_attempts, \(eventNotification(of: "job")) FROM job
      """
    ).first
    let parameters = try superseded?.decode(at: 0, as: JSONB.self)
    let attempts = try superseded?.decode(at: 1, as: Int.self)
    let failures = try failure.map { try JSONB([AttemptFailure(attempt: job.attempt, $0)]) }
    let attempt = job.attempt - (failure == nil ? 1 : 0)
    try await transaction.query(
      """
      WITH job AS (
        UPDATE jobs SET
          state = 'queued', run_at = clock_timestamp() + make_interval(secs => \(delay / .seconds(1))),
          parameters = coalesce(\(parameters), parameters), progress = 0, phase = NULL, started_at = NULL,
          lease_token = NULL, lease_expires_at = NULL, worker = NULL,
          attempt = \(attempt), \(AttemptFailure.assignment(adding: failures)),
          max_attempts = coalesce(\(attempt)::int + \(attempts), max_attempts),
          \(JobTransition.assignments(to: "'queued'", attempt: "\(attempt)::int"))
        WHERE tenant_id = \(job.tenant) AND id = \(job.id)
        RETURNING *
      )
      SELECT \(eventNotification(of: "job")), \(wakeNotification) FROM job
      """)
  }

  /// Runs a transaction that requeues jobs, again if a coalesced job was queued for the same subject between its
  /// statements: the index `jobs_one_waiting` refuses the second waiting job, and the next run finds the first.
  func requeuing<T>(_ body: nonisolated(nonsending) (Transaction) async throws -> T) async throws -> T {
    var attempt = 1
    while true {
      do {
        return try await transaction(body)
      } catch let error as PostgreSQLError where error.sqlState == .uniqueViolation && attempt < 5 {
        attempt += 1
      }
    }
  }
}
