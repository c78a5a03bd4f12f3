import PostgreSQL

/// Keeps `prediction_counts` exact: every transaction that stores or deletes predictions updates the count.
///
/// The backend PID selects one of 16 shard rows, so that writers rarely wait for each other and a transaction always locks
/// the same row and cannot deadlock. Flushes of single predictions use shards 0 to 7, all other statements 8 to 15: a flush
/// serves many tenants, and none of them waits for another one's large batch.
enum PredictionCounting {
  /// The statement that adds a difference. It locks the shard row until the transaction ends, so it comes last in a long
  /// transaction.
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
