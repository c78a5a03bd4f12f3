import PostgreSQL

/// Deletes many rows in steps of bounded size, each a transaction of its own.
enum BoundedDeletion {
  /// How many rows one step deletes at most.
  static let rowsPerStep = 10_000

  /// Deletes all rows of a tenant, or of one of its datasets, from a table of rows.
  static func deleteAll(
    of tenant: TenantID, dataset: Int? = nil, from table: String, in database: Database
  ) async throws {
    var condition: Query = "tenant_id = \(tenant)"
    if let dataset { condition = condition + " AND dataset_id = \(dataset)" }
    let step: Query =
      "DELETE FROM \(identifier: table) WHERE ctid = ANY(ARRAY(SELECT ctid FROM \(identifier: table) WHERE "
      + condition + " LIMIT \(rowsPerStep))) AND " + condition
    while true {
      try Task.checkCancellation()
      let deleted = try await database.transaction(for: tenant) { tx in
        let deleted = try await tx.query(step).affectedRows
        if table == "predictions", deleted > 0 {
          try await tx.query(PredictionCounting.add(-deleted, tenant))
        }
        return deleted
      }
      // Somebody else may have deleted just those rows; only where none is left there is nothing more to do.
      if deleted == 0, try await !isAny(in: table, of: tenant, condition, database) { return }
    }
  }

  private static func isAny(
    in table: String, of tenant: TenantID, _ condition: Query, _ database: Database
  ) async throws -> Bool {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query("SELECT EXISTS(SELECT FROM \(identifier: table) WHERE " + condition + ")").single()
        .decode(Bool.self)
    }
  }
}
