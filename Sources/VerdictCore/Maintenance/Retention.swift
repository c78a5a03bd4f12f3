import PostgreSQL

/// Removes predictions that their datasets keep no longer. Labels that came from them stay.
enum Retention {
  /// How many predictions one transaction looks at, and removes at most.
  static let rowsPerStep = 5_000

  static func removeOldPredictions(of tenant: TenantID, in database: Database) async throws {
    let datasets = try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        """
        SELECT id, predictions_kept_days FROM datasets
        WHERE tenant_id = \(tenant) AND predictions_kept_days IS NOT NULL AND deleted_at IS NULL
        """
      ).map { try $0.decode(Int.self, Int.self) }
    }
    for (dataset, days) in datasets {
      repeat {
        try Task.checkCancellation()
      } while try await step(tenant, dataset, days: days, in: database) > 0
    }
  }

  /// Looks at the oldest ones: ids are in the order of time, so that they stand first in the index, and one look tells
  /// that there is nothing to do.
  private static func step(
    _ tenant: TenantID, _ dataset: Int, days: Int, in database: Database
  ) async throws -> Int {
    try await database.transaction(for: tenant) { tx in
      let removed = try await tx.query(
        """
        WITH oldest AS (
          SELECT id, created_at FROM predictions
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) ORDER BY id LIMIT \(rowsPerStep))
        DELETE FROM predictions p USING oldest
        WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND p.id = oldest.id
          AND oldest.created_at < now() - make_interval(days => \(Int32(days)))
        """
      ).affectedRows
      if removed > 0 { try await tx.query(PredictionCounting.add(-removed, tenant)) }
      return removed
    }
  }
}
