public import PostgreSQL

extension JobQueue {
  /// The coalesced job that waits for a subject, if there is one. Until the caller's transaction has ended it is not taken
  /// up, and nobody else joins it.
  public nonisolated(nonsending) func waiting(
    tenant: Int32, subject: Int64, in executor: some QueryExecutor
  ) async throws -> Job? {
    try await executor.query(
      """
      SELECT \(Job.columns) FROM jobs
      WHERE tenant_id = \(tenant) AND kind = \(kind) AND subject = \(subject) AND state = 'queued' AND coalesced
      FOR UPDATE
      """
    ).first.map(Job.init)
  }

  /// Ends the coalesced job that waits for a subject, if there is one, in the caller's transaction: there is nothing left
  /// for it to do.
  ///
  /// - Parameter reason: what it shows as its error.
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
      SELECT \(Self.event(of: "job")) FROM job
      """)
  }
}
