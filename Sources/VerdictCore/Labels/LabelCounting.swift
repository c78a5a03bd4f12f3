import PostgreSQL

/// The change that a transaction makes to a dataset's counts.
struct CountChange: Sendable, Equatable {
  var positives = 0
  var negatives = 0
  var changes = 0

  /// One new row with this label.
  static func inserted(_ label: Bool) -> CountChange {
    CountChange(positives: label ? 1 : 0, negatives: label ? 0 : 1, changes: 1)
  }

  /// One row with a changed label or changed values.
  static func changed(from old: Bool, to new: Bool) -> CountChange {
    var change = inserted(new)
    change.positives -= old ? 1 : 0
    change.negatives -= old ? 0 : 1
    return change
  }

  /// So many deleted rows.
  static func deleted(positives: Int, negatives: Int) -> CountChange {
    CountChange(positives: -positives, negatives: -negatives, changes: positives + negatives)
  }

  /// Adds another change.
  mutating func add(_ other: CountChange) {
    positives += other.positives
    negatives += other.negatives
    changes += other.changes
  }
}

/// Keeps `label_counts` exact; the table's comment in the migrations describes it.
enum LabelCounting {
  /// Adds a change, as the last statement of the transaction, and returns the dataset's counts afterwards.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)`` if the tenant exceeds its limit.
  static func add(
    _ change: CountChange, _ tenant: TenantID, dataset: Int, in tx: some QueryExecutor
  ) async throws -> LabelCounts {
    let shard = Int16.random(in: 0...15)
    // Two pipelined statements, since a statement does not see its own changes.
    let adding = change.positives + change.negatives
    var statements: [Query] = [
      """
      INSERT INTO label_counts AS c (tenant_id, dataset_id, shard, positives, negatives, changes)
      VALUES (\(tenant), \(dataset), \(shard), \(change.positives), \(change.negatives), \(change.changes))
      ON CONFLICT (tenant_id, dataset_id, shard) DO UPDATE SET
        positives = c.positives + excluded.positives, negatives = c.negatives + excluded.negatives,
        changes = c.changes + excluded.changes
      """,
      read(tenant, dataset: dataset),
    ]
    guard adding > 0 else {
      guard let result = try await tx.pipeline(statements).last else { throw UnexpectedRowCount(count: 0) }
      return try counts(result.single())
    }
    statements = [RowQuota.lock(tenant, adding: adding)] + statements + [RowQuota.usage(tenant)]
    let results = try await tx.pipeline(statements)
    try await RowQuota.check(results[3], tenant, adding: adding, in: tx)
    return try counts(results[2].single())
  }

  /// The dataset's counts, as of the caller's snapshot.
  static func counts(
    _ tenant: TenantID, dataset: Int, in tx: some QueryExecutor
  ) async throws -> LabelCounts {
    try counts(await tx.query(read(tenant, dataset: dataset)).single())
  }

  private static func read(_ tenant: TenantID, dataset: Int) -> Query {
    """
    SELECT coalesce(sum(positives), 0)::bigint, coalesce(sum(negatives), 0)::bigint,
           coalesce(sum(changes), 0)::bigint
    FROM label_counts WHERE tenant_id = \(tenant) AND dataset_id = \(dataset)
    """
  }

  private static func counts(_ row: Row) throws -> LabelCounts {
    let (positives, negatives, changes) = try row.decode(Int.self, Int.self, Int.self)
    return LabelCounts(positives: positives, negatives: negatives, changes: changes)
  }
}
