public import PostgreSQL

extension JobQueue {
  /// Sets how many jobs of a tenant run at a time, over all workers and kinds of queues, in the caller's transaction, in
  /// which the tenant is set. Jobs that run already go on.
  ///
  /// - Parameter running: `nil` for what ``Configuration/runningPerTenant`` says.
  public static func setLimit(
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
