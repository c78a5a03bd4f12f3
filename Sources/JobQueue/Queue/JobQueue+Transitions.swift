import PostgreSQL

extension JobQueue {
  /// Ends a locked running job without a result; its last attempt has failed with `error` if the job has.
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
      SELECT \(Self.event(of: "job")) FROM job
      """)
  }

  /// Puts a locked running job back into the queue.
  ///
  /// If a coalesced job was queued for the subject since this coalesced one started, there would be two: this one stays,
  /// with its history, takes the other's newer parameters and further attempts, and the other ends.
  /// - Parameter failure: why the attempt failed; `nil` takes the attempt back.
  func requeue(
    _ job: Job, after pause: Duration, failure: JobErrorRecord?, in transaction: Transaction
  ) async throws {
    let twin = try await transaction.query(
      """
      WITH job AS (
        UPDATE jobs SET
          state = 'cancelled', finished_at = clock_timestamp(),
          error = \(try JSONB(JobErrorRecord.superseded(by: job.id))), \(JobTransition.assignments(to: "'cancelled'"))
        WHERE tenant_id = \(job.tenant) AND kind = \(kind) AND subject = \(job.subject) AND state = 'queued' AND coalesced
          AND (SELECT self.coalesced FROM jobs AS self WHERE self.tenant_id = \(job.tenant) AND self.id = \(job.id))
        RETURNING *
      )
      SELECT parameters, max_attempts, \(Self.event(of: "job")) FROM job
      """
    ).first
    let parameters = try twin?.decode(at: 0, as: JSONB.self)
    let attempts = try twin?.decode(at: 1, as: Int.self)
    let failures = try failure.map { try JSONB([AttemptFailure(attempt: job.attempt, $0)]) }
    let attempt = job.attempt - (failure == nil ? 1 : 0)
    try await transaction.query(
      """
      WITH job AS (
        UPDATE jobs SET
          state = 'queued', run_at = clock_timestamp() + make_interval(secs => \(pause.inSeconds)),
          parameters = coalesce(\(parameters), parameters), progress = 0, phase = NULL, started_at = NULL,
          lease_token = NULL, lease_expires_at = NULL, worker = NULL,
          attempt = \(attempt), \(AttemptFailure.assignment(adding: failures)),
          max_attempts = coalesce(\(attempt)::int + \(attempts), max_attempts),
          \(JobTransition.assignments(to: "'queued'", attempt: "\(attempt)::int"))
        WHERE tenant_id = \(job.tenant) AND id = \(job.id)
        RETURNING *
      )
      SELECT \(Self.event(of: "job")), pg_notify(\(Self.wakeChannel), kind)::text FROM job
      """)
  }

  /// A transaction that puts jobs back. It is run again when a coalesced job was queued for the same subject between its
  /// statements: the index `jobs_one_waiting` refused the second one, and the next run sees it.
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
