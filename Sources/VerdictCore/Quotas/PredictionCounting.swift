import PostgreSQL

/// Keeps `prediction_counts` exact: whoever stores or removes predictions says so in the same transaction.
///
/// One row of sixteen, so that writers rarely wait for each other; the same one for all statements of a transaction, which
/// PostgreSQL's process decides: two that met rows in different orders would wait for each other in a circle. Groups of single
/// predictions have eight rows to themselves: those of all tenants commit together, and none shall wait for a large batch.
enum PredictionCounting {
  /// The statement that adds a difference.
  ///
  /// The row stays locked until the transaction ends: let it be the last statement of a long one.
  static func add(_ difference: Int, _ tenant: TenantID) -> Query {
    """
    INSERT INTO prediction_counts AS c (tenant_id, shard, stored)
    VALUES (\(tenant), (8 + (pg_backend_pid() & 7))::smallint, \(difference))
    ON CONFLICT (tenant_id, shard) DO UPDATE SET stored = c.stored + excluded.stored
    """
  }

  /// The statement that adds the number of rows of the common table expression `stored`, if there are any.
  static func addStored(_ tenant: TenantID) -> Query {
    """
    INSERT INTO prediction_counts AS c (tenant_id, shard, stored)
    SELECT \(tenant)::int, (pg_backend_pid() & 7)::smallint, count(*) FROM stored HAVING count(*) > 0
    ON CONFLICT (tenant_id, shard) DO UPDATE SET stored = c.stored + excluded.stored
    """
  }
}
