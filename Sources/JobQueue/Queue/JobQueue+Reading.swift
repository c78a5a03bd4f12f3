public import PostgreSQL

/// Reading jobs, one by one and in numbers. Nothing here takes a lock.
extension JobQueue {
  /// One job; `nil` if the tenant has none with that id and of this kind.
  public nonisolated(nonsending) func job(
    tenant: Int32, id: Int64, in executor: some QueryExecutor
  ) async throws -> Job? {
    try await executor.query(
      "SELECT \(Job.columns) FROM jobs WHERE tenant_id = \(tenant) AND id = \(id) AND kind = \(kind)"
    ).first.map(Job.init)
  }

  /// The jobs of a subject with ids below `before`, newest first, at most `limit`.
  public nonisolated(nonsending) func jobs(
    tenant: Int32, subject: Int64, before: Int64? = nil, limit: Int, in executor: some QueryExecutor
  ) async throws -> [Job] {
    try await executor.query(
      """
      SELECT \(Job.columns) FROM jobs
      WHERE tenant_id = \(tenant) AND subject = \(subject) AND kind = \(kind) AND id < \(before ?? .max)
      ORDER BY id DESC LIMIT \(limit)
      """
    ).map(Job.init)
  }

  /// The statement whose result ``SubjectActivity/init(_:)`` reads, for a pipeline with the caller's own statements. It
  /// takes two look-ups in small partial indexes, however many jobs the subject has had.
  public static func activity(tenant: Int32, kind: String, subject: Int64) -> Query {
    """
    SELECT state, started_at FROM jobs
    WHERE tenant_id = \(tenant) AND kind = \(kind) AND subject = \(subject) AND state = 'running'
    UNION ALL
    SELECT state, started_at FROM jobs
    WHERE tenant_id = \(tenant) AND kind = \(kind) AND subject = \(subject) AND state = 'queued' AND coalesced
    """
  }

  /// Of these tenants the subjects for which a coalesced job of this kind waits, in a transaction of the queue's own.
  public func waitingSubjects(of tenants: [Int32]) async throws -> [Int32: Set<Int64>] {
    try await transaction(readOnly: true) { transaction in
      try await transaction.query(
        """
        SELECT tenant_id, subject FROM jobs
        WHERE tenant_id = ANY(\(tenants)) AND kind = \(kind) AND state = 'queued' AND coalesced
        """
      ).reduce(into: [:]) { subjects, row in
        let (tenant, subject) = try row.decode(Int32.self, Int64.self)
        subjects[tenant, default: []].insert(subject)
      }
    }
  }

  /// A statement that counts the running jobs of a tenant and a kind: one row with a bigint.
  public static func runningCount(tenant: Int32, kind: String) -> Query {
    "SELECT count(*) FROM jobs WHERE tenant_id = \(tenant) AND kind = \(kind) AND state = 'running'"
  }

  /// A statement that counts the waiting jobs of a tenant and a kind that were enqueued one by one: one row with a bigint.
  /// Coalesced ones, of which a subject has one at most, do not count.
  public static func waitingCount(tenant: Int32, kind: String) -> Query {
    """
    SELECT count(*) FROM jobs
    WHERE tenant_id = \(tenant) AND kind = \(kind) AND state = 'queued' AND NOT coalesced
    """
  }

  /// The size of the queue over all tenants, in a transaction of the queue's own.
  public func statistics() async throws -> Statistics {
    try await transaction(readOnly: true) { transaction in
      let row = try await transaction.query(
        """
        SELECT (SELECT count(*) FROM jobs WHERE kind = \(kind) AND state = 'queued'),
               (SELECT count(*) FROM jobs WHERE kind = \(kind) AND state = 'running'),
               (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - run_at)), 0)::float8
                FROM jobs WHERE kind = \(kind) AND state = 'queued' AND run_at <= clock_timestamp())
        """
      ).first
      let (queued, running, wait) = try row?.decode(Int.self, Int.self, Double.self) ?? (0, 0, 0)
      return Statistics(queued: queued, running: running, oldestWait: wait)
    }
  }
}
