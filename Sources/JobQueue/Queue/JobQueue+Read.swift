public import PostgreSQL

extension JobQueue {
  /// One job, or `nil` if the tenant has none of that number.
  public nonisolated(nonsending) func job(
    tenant: Int32, id: Int64, in executor: some QueryExecutor
  ) async throws -> Job? {
    try await executor.query(
      "SELECT \(Job.columns) FROM jobs WHERE tenant_id = \(tenant) AND id = \(id) AND kind = \(kind)"
    ).first.map(Job.init)
  }

  /// The jobs of a subject, newest first, below the number `before`, at most `limit`.
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
}
