import JobQueue
import PostgreSQL

extension TenantStore {
  /// Deletes a tenant with all its keys, datasets, rows, models, predictions and jobs. Nothing is left when this returns, even
  /// if requests were writing for the tenant. A repeated call continues an interrupted deletion.
  ///
  /// Keys and datasets are deleted first. The bulk follows in bounded steps, so that no transaction holds millions of row
  /// locks, and the tenant last.
  package func delete(_ tenant: TenantID) async throws {
    try await close(tenant)
    for deletion in [
      BoundedDeletion(.labels, of: tenant), BoundedDeletion(.predictions, of: tenant),
      BoundedDeletion(jobsOf: tenant), BoundedDeletion(.idempotencyKeys, of: tenant),
    ] {
      var deletion = deletion
      _ = try await deletion.run(in: database)
    }
    try await database.transaction(for: tenant) { tx in
      try await tx.query("SELECT id FROM datasets WHERE tenant_id = \(tenant) ORDER BY id FOR UPDATE")
      try await tx.query("SELECT tenant_id FROM tenants WHERE tenant_id = \(tenant) FOR UPDATE")
      // These tables have no foreign keys.
      try await tx.query("DELETE FROM labels WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM predictions WHERE tenant_id = \(tenant)")
      try await JobQueue.deleteJobs(tenant: tenant.rawValue, in: tx)
      try await JobQueue.setLimit(tenant: tenant.rawValue, running: nil, in: tx)
      try await tx.query("DELETE FROM tenants WHERE tenant_id = \(tenant)")
    }
  }

  /// Stops all writers of a tenant: refuses new ones, then waits for those that have begun (``DatasetDeletion``).
  ///
  /// Later requests, which may have cached their key or their dataset, find the dataset deleted. New datasets and keys are
  /// created under the lock of the tenant's row (``Quotas``), which refuses them from now on.
  private func close(_ tenant: TenantID) async throws {
    try await database.transaction(for: tenant) { tx in
      // The tenant is locked before its datasets, as everywhere.
      try await tx.query(
        "UPDATE tenants SET erased_at = coalesce(erased_at, now()) WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM api_keys WHERE tenant_id = \(tenant)")
      let open = try await tx.query(
        """
        SELECT id FROM datasets WHERE tenant_id = \(tenant) AND writable AND deleted_at IS NULL
        ORDER BY id FOR NO KEY UPDATE
        """
      ).map { try $0.decode(Int.self) }
      try await DatasetDeletion.begin(tenant, datasets: open, in: tx)
      try await DatasetChanges.announceRevocation(tenant, key: nil, in: tx)
    }
    for dataset in try await DatasetDeletion.unfinished(of: tenant, in: database) {
      while try await !DatasetDeletion.finish(tenant, dataset: dataset, in: database, within: .seconds(5)) {
        try Task.checkCancellation()
      }
    }
  }
}
