import Logging
public import PostgreSQL

/// Recovery, retention, erasure and limits.
extension JobQueue {
  /// Requeues the jobs whose lease has expired, at most `limit`; a job whose attempts are used up has failed, and so has one
  /// that has lost ``Configuration/mostLosses`` workers in a row. Workers that still finish such a job are refused.
  ///
  /// A job that its worker is just ending is locked and skipped, however old its lease.
  ///
  /// - Returns: the number of jobs.
  @discardableResult
  public func rescue(limit: Int = 20) async throws -> Int {
    try await requeuing { transaction in
      let jobs = try await transaction.query(
        """
        SELECT \(Job.columns) FROM jobs
        WHERE kind = \(kind) AND state = 'running' AND lease_expires_at < clock_timestamp()
        ORDER BY lease_expires_at LIMIT \(limit) FOR UPDATE SKIP LOCKED
        """
      ).map(Job.init)
      for job in jobs {
        logger.warning(
          "lease of a job expired",
          metadata: ["tenant": "\(job.tenant)", "job": "\(job.id)", "attempt": "\(job.attempt)"])
        if job.cancelRequested {
          try await conclude(job, .cancelled, .cancelled, in: transaction)
        } else if job.attempt >= job.maxAttempts {
          try await conclude(job, .failed, .workerLost, in: transaction)
        } else if job.losses + 1 >= configuration.mostLosses {
          try await conclude(job, .failed, .workersLost(job.losses + 1), in: transaction)
        } else {
          try await requeue(job, after: .zero, failure: .workerLost, in: transaction)
        }
      }
      return jobs.count
    }
  }

  /// Deletes jobs that ended longer ago than `age`, a thousand in a transaction.
  ///
  /// A step is a range of the index on the time of their end, which leaves the planner one plan whatever its statistics
  /// say.
  ///
  /// - Returns: the number of jobs.
  @discardableResult
  public func prune(olderThan age: Duration) async throws -> Int {
    let old: Query = "kind = \(kind) AND finished_at < now() - make_interval(secs => \(age / .seconds(1)))"
    var total = 0
    while true {
      let deleted = try await transaction { transaction in
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
      total += deleted
      if deleted == 0 { return total }
      try Task.checkCancellation()
    }
  }

  /// Deletes jobs of a tenant in any state, in the order of their ids, as one step of many: each step begins after the last
  /// id of the one before. Sequential scans stay disabled for the rest of the caller's transaction.
  ///
  /// - Parameters:
  ///   - tenant: the jobs' tenant.
  ///   - subject: the kind and the subject of the jobs; `nil` for all jobs of the tenant.
  ///   - after: the last id of the step before.
  ///   - limit: the number of jobs in a step.
  ///   - transaction: the caller's transaction.
  /// - Returns: the number of deleted jobs and the last id; `nil` when no job was left.
  public static nonisolated(nonsending) func deleteStep(
    tenant: Int32, subject: (kind: String, id: Int64)? = nil, after: Int64? = nil, limit: Int,
    in transaction: Transaction
  ) async throws -> (deleted: Int, last: Int64)? {
    var jobs = Self.jobs(of: tenant, subject)
    if let after { jobs = jobs + " AND id > \(after)" }
    let results = try await transaction.pipeline([
      "SET LOCAL enable_seqscan = off",
      "SELECT id FROM (SELECT id FROM jobs WHERE " + jobs
        + " ORDER BY id LIMIT \(limit)) step ORDER BY step.id DESC LIMIT 1",
    ])
    guard let last = try results[1].first?.decode(Int64.self) else { return nil }
    let deleted = try await transaction.query("DELETE FROM jobs WHERE " + jobs + " AND id <= \(last)")
    return (deleted.affectedRows, last)
  }

  /// Deletes all jobs of a tenant, or of one of its subjects, in the caller's transaction. Large numbers go by
  /// ``deleteStep(tenant:subject:after:limit:in:)`` before.
  public static nonisolated(nonsending) func deleteJobs(
    tenant: Int32, subject: (kind: String, id: Int64)? = nil, in executor: some QueryExecutor
  ) async throws {
    try await executor.query("DELETE FROM jobs WHERE " + jobs(of: tenant, subject))
  }

  private static func jobs(of tenant: Int32, _ subject: (kind: String, id: Int64)?) -> Query {
    guard let subject else { return "tenant_id = \(tenant)" }
    return "tenant_id = \(tenant) AND subject = \(subject.id) AND kind = \(subject.kind)"
  }

  /// Sets how many jobs of a tenant run at a time in each queue, over all workers, in the caller's transaction, in which the
  /// tenant is set. Running jobs go on.
  ///
  /// - Parameters:
  ///   - tenant: the tenant.
  ///   - running: the limit; `nil` for ``Configuration/runningPerTenant``.
  ///   - executor: the caller's transaction.
  public static nonisolated(nonsending) func setLimit(
    tenant: Int32, running: Int?, in executor: some QueryExecutor
  ) async throws {
    guard let running else {
      try await executor.query("DELETE FROM job_limits WHERE tenant_id = \(tenant)")
      return
    }
    try await executor.query(
      """
      INSERT INTO job_limits (tenant_id, running) VALUES (\(tenant), \(Int32(clamping: running)))
      ON CONFLICT (tenant_id) DO UPDATE SET running = excluded.running
      """)
  }
}
