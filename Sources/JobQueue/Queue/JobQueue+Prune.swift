import PostgreSQL

extension JobQueue {
  /// Removes jobs that ended longer ago than `age`, in steps of bounded size.
  ///
  /// A step is a range of the index on the time of their end: a statement with one plan, whatever the planner believes of the
  /// table.
  ///
  /// - Returns: how many.
  @discardableResult
  public func prune(olderThan age: Duration) async throws -> Int {
    let old: Query = "kind = \(kind) AND finished_at < now() - make_interval(secs => \(age.inSeconds))"
    var total = 0
    while true {
      let removed = try await transaction { transaction in
        let results = try await transaction.pipeline([
          "SET LOCAL enable_seqscan = off",
          "SELECT finished_at::text AS last FROM (SELECT finished_at FROM jobs WHERE " + old
            + " ORDER BY finished_at LIMIT 1000) step ORDER BY step.finished_at DESC LIMIT 1",
        ])
        guard let last = try results[1].first?.decode(String.self) else { return 0 }
        return try await transaction.query(
          "DELETE FROM jobs WHERE " + old + " AND finished_at <= \(last)::text::timestamptz"
        ).affectedRows
      }
      total += removed
      if removed == 0 { return total }
      try Task.checkCancellation()
    }
  }
}
