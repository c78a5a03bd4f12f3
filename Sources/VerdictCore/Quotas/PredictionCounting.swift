import PostgreSQL

/// Keeps `prediction_counts` exact: whoever stores or removes predictions says so in the same transaction.
enum PredictionCounting {
  /// The statement that adds a difference; one row of sixteen, so that writers rarely wait for each other.
  static func add(_ difference: Int, _ tenant: TenantID) -> Query {
    """
    INSERT INTO prediction_counts AS c (tenant_id, shard, stored)
    VALUES (\(tenant), \(shard), \(difference))
    ON CONFLICT (tenant_id, shard) DO UPDATE SET stored = c.stored + excluded.stored
    """
  }

  /// The statement that adds the number of rows of the common table expression `stored`, if there are any.
  static func addStored(_ tenant: TenantID) -> Query {
    """
    INSERT INTO prediction_counts AS c (tenant_id, shard, stored)
    SELECT \(tenant)::int, \(shard)::smallint, count(*) FROM stored HAVING count(*) > 0
    ON CONFLICT (tenant_id, shard) DO UPDATE SET stored = c.stored + excluded.stored
    """
  }

  private static var shard: Int16 { .random(in: 0...15) }
}
