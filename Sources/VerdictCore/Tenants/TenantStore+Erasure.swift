import JobQueue
import PostgreSQL

extension TenantStore {
  /// Deletes a tenant with all its keys, datasets, rows, models, predictions and jobs. Nothing is left when this
  /// returns, despite concurrent writers. An interrupted erasure is resumed by calling this again.
  ///
  /// Keys and datasets are deleted first and at once. The rows follow in bounded steps, so that no transaction holds
  /// millions of row locks, and the tenant comes last.
  package func delete(_ tenant: TenantID) async throws {
    try await close(tenant)
    for table in [BoundedDeletion.Table.labels, .predictions, .jobs, .idempotencyKeys] {
      var deletion = BoundedDeletion(table, of: tenant)
      _ = try await deletion.run(in: database)
    }
    try await database.transaction(for: tenant) { tx in
      try await tx.query("SELECT id FROM datasets WHERE tenant_id = \(tenant) ORDER BY id FOR UPDATE")
      try await tx.query("SELECT tenant_id FROM tenants WHERE tenant_id = \(tenant) FOR UPDATE")
      // No foreign key covers these tables.
      try await tx.query("DELETE FROM labels WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM predictions WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM jobs WHERE tenant_id = \(tenant)")
      try await JobQueue.setLimit(tenant: tenant.rawValue, running: nil, in: tx)
      try await tx.query("DELETE FROM tenants WHERE tenant_id = \(tenant)")
    }
  }

  /// Blocks all writers of a tenant.
  ///
  /// Writers hold a lock on their dataset's row until they commit. This transaction waits for those locks, and later
  /// writers, which may have cached the key or the dataset, find the dataset deleted. New datasets and keys require a
  /// lock on the tenant's row (``Quotas``), which refuses them from now on.
  private func close(_ tenant: TenantID) async throws {
    try await database.transaction(for: tenant) { tx in
      // The tenant's row is locked before those of its datasets, as in all transactions.
      try await tx.query(
        "UPDATE tenants SET erased_at = coalesce(erased_at, now()) WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM api_keys WHERE tenant_id = \(tenant)")
      // In the order in which predictions lock several datasets.
      let open = try await tx.query(
        "SELECT id FROM datasets WHERE tenant_id = \(tenant) AND deleted_at IS NULL ORDER BY id FOR UPDATE"
      ).map { try $0.decode(Int.self) }
      try await tx.query(
        """
        UPDATE datasets SET name = NULL, deleted_at = now(), active_version = NULL, revision = revision + 1
        WHERE tenant_id = \(tenant) AND id = ANY(\(open))
        """)
      try await DatasetChanges.announce(tenant, datasets: open, in: tx)
      try await DatasetChanges.announceRevocation(tenant, key: nil, in: tx)
    }
  }
}
