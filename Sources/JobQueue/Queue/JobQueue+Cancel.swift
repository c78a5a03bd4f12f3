public import PostgreSQL

extension JobQueue {
  /// Cancels a job in the caller's transaction: a waiting one at once; a running one is asked to end at its next step
  /// and reads `running` with ``Job/cancelRequested`` until then. Asking twice changes nothing.
  ///
  /// - Throws: ``JobQueueError/notFound(id:)``, ``JobQueueError/alreadyFinished(_:)``.
  @discardableResult
  public nonisolated(nonsending) func cancel(
    tenant: Int32, id: Int64, in executor: some QueryExecutor
  ) async throws -> Job {
    let row = try await executor.query(
      """
      WITH job AS (
        UPDATE jobs SET
          cancel_requested = true,
          state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
          error = CASE state WHEN 'queued' THEN \(try JSONB(JobErrorRecord.cancelled)) END,
          finished_at = CASE state WHEN 'queued' THEN clock_timestamp() END,
          event = event + CASE state WHEN 'queued' THEN 1 ELSE 0 END,
          moves = CASE state WHEN 'queued' THEN moves || \(
            JobTransition.element(event: "event + 1", state: "'cancelled'", attempt: "attempt")) ELSE moves END
        WHERE tenant_id = \(tenant) AND id = \(id) AND kind = \(kind) AND state IN ('queued', 'running')
        RETURNING *
      )
      SELECT \(Job.columns), \(Self.event(of: "job")),
             CASE state WHEN 'running' THEN pg_notify(\(Self.wakeChannel), kind)::text END
      FROM job
      """
    ).first
    if let row { return try Job(row) }
    guard let job = try await job(tenant: tenant, id: id, in: executor) else {
      throw JobQueueError.notFound(id: id)
    }
    throw JobQueueError.alreadyFinished(job.state)
  }
}
