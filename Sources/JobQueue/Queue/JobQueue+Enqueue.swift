public import PostgreSQL

extension JobQueue {
  /// Asks for a job in the caller's transaction: it exists if and when that commits.
  ///
  /// A waiting coalesced job is kept from being taken up until the transaction has ended, so that the attempt that
  /// follows sees what the transaction has written.
  /// - Parameter reschedules: whether a coalesced request sets the time of the waiting job, ``NewJob/delay`` after that
  ///   was made, earlier or later, instead of bringing it forward alone.
  /// - Returns: the new job, or the waiting one that a coalesced request joined.
  @discardableResult
  public nonisolated(nonsending) func enqueue(
    _ new: NewJob, reschedules: Bool = false, in executor: some QueryExecutor
  ) async throws -> Job {
    // Workers are woken for what they could not know: a new job, or one that was brought forward. The notification
    // takes a lock at commit that all notifying transactions share, so it is not sent for nothing.
    let row = try await executor.query(
      """
      WITH waiting AS (
        SELECT run_at FROM jobs
        WHERE tenant_id = \(new.tenant) AND kind = \(kind) AND subject = \(new.subject)
          AND state = 'queued' AND coalesced AND \(new.coalesce)
      ), job AS (
        INSERT INTO jobs (tenant_id, kind, subject, origin, coalesced, priority, parameters, max_attempts, run_at, moves)
        VALUES (\(new.tenant), \(kind), \(new.subject), \(new.origin), \(new.coalesce), \(new.priority),
                \(new.parameters), \(new.maxAttempts),
                coalesce(\(new.runAt), now() + make_interval(secs => \(new.delay.inSeconds))),
                \(JobTransition.element(event: "1", state: "'queued'", attempt: "0")))
        ON CONFLICT (tenant_id, kind, subject) WHERE state = 'queued' AND coalesced
          DO UPDATE SET
            run_at = CASE
              WHEN jobs.failures <> '[]' AND jobs.run_at > now() THEN jobs.run_at
              WHEN \(reschedules) THEN
                greatest(jobs.created_at + make_interval(secs => \(new.delay.inSeconds)), least(jobs.run_at, now()))
              ELSE least(jobs.run_at, excluded.run_at) END,
            max_attempts = jobs.attempt + excluded.max_attempts, parameters = excluded.parameters
        RETURNING *
      )
      SELECT \(Job.columns),
             CASE WHEN coalesce((SELECT run_at FROM waiting) > run_at, true) THEN
               pg_notify(\(Self.wakeChannel), kind)::text || \(Self.event(of: "job")) END
      FROM job
      """
    ).first
    guard let row else { throw PostgreSQLError(.protocolViolation, "INSERT … RETURNING returned no row") }
    return try Job(row)
  }
}
