import Logging
public import PostgreSQL

/// Requests for jobs and for their end, in the caller's transaction.
extension JobQueue {
  /// Enqueues a job in the caller's transaction: the job exists if and when that commits.
  ///
  /// The next attempt of a waiting coalesced job that the request joins sees what the transaction has written: the attempt
  /// waits for the transaction. The job's row is locked only if the request changes it, so that a flow of requests does not keep
  /// workers from claiming the job.
  ///
  /// - Parameters:
  ///   - new: the job.
  ///   - reschedules: whether a coalesced request sets the time of the waiting job to ``NewJob/delay`` after that job was
  ///     created, earlier or later; otherwise the request can only bring it forward.
  ///   - executor: the caller's transaction.
  /// - Returns: the new job, or the waiting one that a coalesced request joined.
  @discardableResult
  public nonisolated(nonsending) func enqueue(
    _ new: NewJob, reschedules: Bool = false, in executor: some QueryExecutor
  ) async throws -> Job {
    // Workers are notified of new jobs and of jobs that were brought forward, and of nothing else: all transactions that
    // notify share a lock at commit.
    let runAt: Query = "coalesce(\(new.runAt), now() + make_interval(secs => \(new.delay / .seconds(1))))"
    let statement: Query = """
      WITH waiting AS (
        SELECT * FROM jobs
        WHERE tenant_id = \(new.tenant) AND kind = \(kind) AND subject = \(new.subject)
          AND state = 'queued' AND coalesced AND \(new.coalesce)
      ), unchanged AS (
        SELECT * FROM waiting
        WHERE NOT \(reschedules) AND parameters = \(new.parameters) AND max_attempts = attempt + \(new.maxAttempts)
          AND (run_at <= \(runAt) OR failures <> '[]' AND run_at > now())
      ), job AS (
        INSERT INTO jobs (tenant_id, kind, subject, origin, coalesced, priority, parameters, max_attempts, run_at, moves)
        SELECT \(new.tenant), \(kind), \(new.subject), \(new.origin), \(new.coalesce), \(new.priority),
               \(new.parameters), \(new.maxAttempts), \(runAt),
               \(JobTransition.element(event: "1", state: "'queued'", attempt: "0"))
        WHERE NOT EXISTS (SELECT FROM unchanged)
        ON CONFLICT (tenant_id, kind, subject) WHERE state = 'queued' AND coalesced
          DO UPDATE SET
            run_at = CASE
              WHEN jobs.failures <> '[]' AND jobs.run_at > now() THEN jobs.run_at
              WHEN \(reschedules) THEN
                greatest(jobs.created_at + make_interval(secs => \(new.delay / .seconds(1))), least(jobs.run_at, now()))
              ELSE least(jobs.run_at, excluded.run_at) END,
            max_attempts = jobs.attempt + excluded.max_attempts, parameters = excluded.parameters
        RETURNING *
      )
      SELECT \(Job.columns),
             CASE WHEN coalesce((SELECT run_at FROM waiting) > run_at, true) THEN
               \(wakeNotification) || \(eventNotification(of: "job")) END
      FROM job
      UNION ALL
      SELECT \(Job.columns), NULL FROM unchanged
      """
    // The lock precedes the statement's snapshot, so that a job that waits in the snapshot is joined in time.
    let results = try await executor.pipeline(
      new.coalesce
        ? [joining(tenant: new.tenant, subject: new.subject), statement] : [statement])
    guard let row = results.last?.first else {
      throw PostgreSQLError(.protocolViolation, "INSERT … RETURNING returned no row")
    }
    return try Job(row)
  }

  /// Returns the coalesced job that waits for a subject, if there is one, and joins it as ``enqueue(_:reschedules:in:)``
  /// does: its next attempt sees what the caller's transaction has written.
  public nonisolated(nonsending) func join(
    tenant: Int32, subject: Int64, in executor: some QueryExecutor
  ) async throws -> Job? {
    try await executor.pipeline([
      joining(tenant: tenant, subject: subject),
      selectWaiting(tenant, subject),
    ]).last?.first.map(Job.init)
  }

  /// Returns the coalesced job that waits for a subject, if there is one, and locks it: until the caller's transaction ends,
  /// no worker claims it and no other request joins it. Transactions that have joined it have ended.
  public nonisolated(nonsending) func waiting(
    tenant: Int32, subject: Int64, in executor: some QueryExecutor
  ) async throws -> Job? {
    try await executor.pipeline([
      excludingJoins(tenant: tenant, subject: subject),
      selectWaiting(tenant, subject) + " FOR UPDATE",
    ]).last?.first.map(Job.init)
  }

  private func selectWaiting(_ tenant: Int32, _ subject: Int64) -> Query {
    """
    SELECT \(Job.columns) FROM jobs
    WHERE tenant_id = \(tenant) AND kind = \(kind) AND subject = \(subject) AND state = 'queued' AND coalesced
    """
  }

  /// Waits until the transactions have ended that joined a job before it was claimed. An attempt begins with this, so that it
  /// sees what they have written.
  ///
  /// The lock is granted in the order of the requests, so that a flow of further transactions does not prolong the wait. After
  /// `patience` the attempt begins in any case: the wait holds a worker, and a joining transaction that commits later is for
  /// the next job.
  func awaitJoiners(of job: Job, within patience: Duration = Self.patience) async {
    do {
      try await transaction { transaction in
        _ = try await transaction.pipeline([
          "SET LOCAL lock_timeout = \(unescaped: String(Int(patience / .milliseconds(1))))",
          excludingJoins(tenant: job.tenant, subject: job.subject),
        ])
      }
    } catch {
      logger.debug(
        "a job begins before transactions that joined it have ended",
        metadata: ["tenant": "\(job.tenant)", "job": "\(job.id)", "error": "\(error)"])
    }
  }

  /// The longest wait of ``awaitJoiners(of:)``.
  static let patience = Duration.milliseconds(250)

  /// The statement after which the waiting job that a transaction sees, or reads about, is joined in time: its next attempt
  /// waits for the transaction. ``enqueue(_:reschedules:in:)`` begins with it; a transaction that decides by
  /// ``activity(tenant:kind:subject:)`` whether to enqueue puts it in front of that statement.
  ///
  /// Transactions that join share an advisory lock, which PostgreSQL grants in the order of the requests, unlike locks of rows.
  ///
  /// - Parameters:
  ///   - tenant: the job's tenant.
  ///   - subject: the job's subject.
  public func joining(tenant: Int32, subject: Int64) -> Query {
    "SELECT pg_advisory_xact_lock_shared(" + joinKey(tenant, subject) + ")"
  }

  /// The statement that waits for transactions that have joined, and excludes further ones.
  private func excludingJoins(tenant: Int32, subject: Int64) -> Query {
    "SELECT pg_advisory_xact_lock(" + joinKey(tenant, subject) + ")"
  }

  private func joinKey(_ tenant: Int32, _ subject: Int64) -> Query {
    "hashtextextended(\("job:\(kind):\(tenant):\(subject)"), 0)"
  }

  /// Cancels the coalesced job that waits for a subject, if there is one, in the caller's transaction.
  ///
  /// - Parameters:
  ///   - tenant: the job's tenant.
  ///   - subject: the job's subject.
  ///   - reason: stored as the job's error.
  ///   - executor: the caller's transaction.
  public nonisolated(nonsending) func cancelWaiting(
    tenant: Int32, subject: Int64, _ reason: JobErrorRecord, in executor: some QueryExecutor
  ) async throws {
    try await executor.query(
      """
      WITH job AS (
        UPDATE jobs SET
          state = 'cancelled', finished_at = clock_timestamp(), error = \(try JSONB(reason)),
          \(JobTransition.assignments(to: "'cancelled'"))
        WHERE tenant_id = \(tenant) AND kind = \(kind) AND subject = \(subject) AND state = 'queued' AND coalesced
        RETURNING *
      )
      SELECT \(eventNotification(of: "job")) FROM job
      """)
  }

  /// Cancels a job in the caller's transaction: a waiting job at once, a running one at its next step. Until then the
  /// running job reads `running` with ``Job/cancelRequested``. A second request changes nothing.
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
      SELECT \(Job.columns), \(eventNotification(of: "job")), CASE state WHEN 'running' THEN \(wakeNotification) END
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
