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
          "SELECT finished_at::text FROM jobs WHERE " + old + " ORDER BY jobs.finished_at OFFSET 999 LIMIT 1",
        ])
        let last = try results[1].first?.decode(String.self)
        let step: Query = last.map { " AND finished_at <= \($0)::text::timestamptz" } ?? ""
        return try await transaction.query("DELETE FROM jobs WHERE " + old + step).affectedRows
      }
      total += removed
      if removed == 0 { return total }
      try Task.checkCancellation()
    }
  }
}
