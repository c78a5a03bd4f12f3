public import PostgreSQL

extension JobQueue {
  /// How much there is to do, over all tenants.
  public struct Statistics: Sendable, Equatable {
    /// Jobs that wait, those of later included.
    public var queued: Int
    /// Jobs that are being done.
    public var running: Int
    /// For how many seconds the job that has waited longest could have been taken up; 0 when none waits.
    public var oldestWait: Double
  }

  /// Looks at the queue as it is.
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
