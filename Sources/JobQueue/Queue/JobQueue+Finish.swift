import Foundation
public import PostgreSQL

extension JobQueue {
  /// Ends a job with its result in the caller's transaction, so that the result and what else it writes become true
  /// together or not at all.
  ///
  /// - Throws: ``JobQueueError/leaseLost(id:)`` when the lease is no longer this one,
  ///   ``JobQueueError/cancelRequested(id:)`` when the job was cancelled meanwhile; the transaction must then be
  ///   rolled back.
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
      ), told AS (
        SELECT \(Self.event(of: "job")) FROM job
      )
      SELECT cancel_requested, (SELECT count(*) FROM told) FROM held
      """)
    guard let row = rows.first else { throw JobQueueError.leaseLost(id: lease.job.id) }
    if try row.decode(at: 0) { throw JobQueueError.cancelRequested(id: lease.job.id) }
  }

  /// Ends an attempt that failed: the job goes back to the queue with a pause if `retry` and attempts are left, else it
  /// has failed. A job that was cancelled meanwhile is cancelled.
  ///
  /// - Returns: the job's new state.
  /// - Throws: ``JobQueueError/leaseLost(id:)``.
  @discardableResult
  public func fail(_ lease: Lease, _ error: JobErrorRecord, retry: Bool) async throws -> JobState {
    try await requeuing { transaction in
      let job = try await lock(lease, in: transaction)
      if retry, job.attempt < job.maxAttempts, !job.cancelRequested {
        try await requeue(job, after: pause(attempt: job.attempt), failure: error, in: transaction)
        return .queued
      }
      let state: JobState = job.cancelRequested ? .cancelled : .failed
      try await conclude(job, state, job.cancelRequested ? .cancelled : error, in: transaction)
      return state
    }
  }

  /// Hands a job back that the worker cannot go on with, at once and without using up an attempt.
  ///
  /// - Throws: ``JobQueueError/leaseLost(id:)``.
  @discardableResult
  public func release(_ lease: Lease) async throws -> JobState {
    try await requeuing { transaction in
      let job = try await lock(lease, in: transaction)
      if job.cancelRequested {
        try await conclude(job, .cancelled, .cancelled, in: transaction)
        return .cancelled
      }
      try await requeue(job, after: .zero, failure: nil, in: transaction)
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

  /// Doubles with each attempt; a random half of it keeps jobs that failed together from coming back together.
  private func pause(attempt: Int) -> Duration {
    let factor = Double(1 << min(max(attempt - 1, 0), 30))
    let whole = min(configuration.firstRetryDelay * factor, configuration.longestRetryDelay)
    return whole * Double.random(in: 0.5...1)
  }
}
