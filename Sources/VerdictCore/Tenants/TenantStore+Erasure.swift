import JobQueue
import PostgreSQL

extension TenantStore {
  /// Deletes a tenant with all its keys, datasets, rows, models, predictions and jobs; nothing of it is left when this
  /// returns, whoever was writing for it. What was begun and not ended is taken up where it stopped by doing it again.
  ///
  /// Its keys and datasets go first and at once. The bulk follows in bounded steps, so that no single transaction holds
  /// millions of row locks, and last the tenant.
  package func delete(_ tenant: TenantID) async throws {
    try await close(tenant)
    for table in [BoundedDeletion.Table.labels, .predictions, .jobs, .idempotencyKeys] {
      var deletion = BoundedDeletion(table, of: tenant)
      _ = try await deletion.run(in: database)
    }
    try await database.transaction(for: tenant) { tx in
      try await tx.query("SELECT id FROM datasets WHERE tenant_id = \(tenant) ORDER BY id FOR UPDATE")
      try await tx.query("SELECT tenant_id FROM tenants WHERE tenant_id = \(tenant) FOR UPDATE")
      // Of these no foreign key knows.
      try await tx.query("DELETE FROM labels WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM predictions WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM jobs WHERE tenant_id = \(tenant)")
      try await JobQueue.setLimit(tenant: tenant.rawValue, running: nil, in: tx)
      try await tx.query("DELETE FROM tenants WHERE tenant_id = \(tenant)")
    }
  }

  /// Makes an end of everything that writes for a tenant.
  ///
  /// Writers of rows hold their dataset's row until they commit: the lock waits for those that have it, and all others,
  /// which may have known their key, or their dataset, from before, find the dataset gone. New datasets and keys are
  /// asked for under the tenant's row (``Quotas``), which says from now on that there are none to be had.
  private func close(_ tenant: TenantID) async throws {
    try await database.transaction(for: tenant) { tx in
      // The tenant before its datasets, as everywhere.
      try await tx.query(
        "UPDATE tenants SET erased_at = coalesce(erased_at, now()) WHERE tenant_id = \(tenant)")
      try await tx.query("DELETE FROM api_keys WHERE tenant_id = \(tenant)")
      // In the order in which predictions lock several.
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
