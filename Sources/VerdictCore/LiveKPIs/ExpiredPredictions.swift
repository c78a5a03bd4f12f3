import PostgreSQL

/// The counts of predictions that expired without a label.
///
/// Live KPIs weigh the labelled predictions of a decision by all of its predictions. Without these counts, the unlabelled
/// predictions of a decision would be forgotten when they expire, and the labelled ones of the other would pass for all.
enum ExpiredPredictions {
  /// Deletes expired predictions, and counts those without a label by version, day and decision.
  ///
  /// - Parameter rows: the WHERE clause of the rows.
  /// - Returns: the number of deleted rows.
  static func delete(_ rows: Query, _ tenant: TenantID, in tx: Transaction) async throws -> Int {
    let deletion: Query =
      "WITH gone AS (DELETE FROM predictions" + rows
      + " RETURNING dataset_id, id, model_version, label, (coalesce(occurred_at, created_at) AT TIME ZONE 'UTC')::date AS day)"
    // Ordered, so that two of these cannot deadlock. A dataset that is being deleted needs no counts.
    return try await tx.query(
      deletion + """
        , unlabelled AS (
          SELECT g.dataset_id, g.model_version, g.day, count(*) FILTER (WHERE NOT g.label) AS zeros,
                 count(*) FILTER (WHERE g.label) AS ones
          FROM gone g
          JOIN datasets d ON d.tenant_id = \(tenant) AND d.id = g.dataset_id AND d.deleted_at IS NULL
          LEFT JOIN labels l ON l.tenant_id = \(tenant) AND l.dataset_id = g.dataset_id AND l.prediction_id = g.id
          WHERE l.id IS NULL
          GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
        ), counted AS (
          INSERT INTO expired_predictions AS e (tenant_id, dataset_id, model_version, day, decided_0, decided_1)
          SELECT \(tenant), dataset_id, model_version, day, zeros, ones FROM unlabelled
          ON CONFLICT (tenant_id, dataset_id, model_version, day) DO UPDATE SET
            decided_0 = e.decided_0 + excluded.decided_0, decided_1 = e.decided_1 + excluded.decided_1
        )
        SELECT count(*) FROM gone
        """
    ).single().decode(Int.self)
  }
}
