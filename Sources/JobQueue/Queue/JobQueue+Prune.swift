import PostgreSQL

extension JobQueue {
  /// Removes jobs that ended longer ago than `age`, in steps of bounded size.
  ///
  /// - Returns: how many.
  @discardableResult
  public func prune(olderThan age: Duration) async throws -> Int {
    var total = 0
    while true {
      let removed = try await transaction { transaction in
        try await transaction.query(
          """
          DELETE FROM jobs USING (
            SELECT tenant_id, id FROM jobs
            WHERE kind = \(kind) AND finished_at < now() - make_interval(secs => \(age.inSeconds))
            ORDER BY finished_at LIMIT 1000 FOR UPDATE SKIP LOCKED
          ) AS old
          WHERE jobs.tenant_id = old.tenant_id AND jobs.id = old.id
          """
        ).affectedRows
      }
      total += removed
      if removed == 0 { return total }
      try Task.checkCancellation()
    }
  }
}
