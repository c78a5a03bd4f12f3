import PostgreSQL

/// Keeps the number of a tenant's labels within its limit, exactly, however many transactions add rows at a time.
///
/// A transaction does not see what others have not committed yet. So those that add rows exclude each other from their
/// last statement to their commit, by an advisory lock, where they could go beyond the limit together. Where each adds at
/// most a thousandth of the limit, and a fifth of it is left, two hundred at a time cannot, and they share the lock.
enum RowQuota {
  /// How large a part of the limit a transaction may add that shares the lock.
  private static let smallest = 1_000
  /// How large a part must be left then.
  private static let left = 5

  /// Waits for those that the caller must not overlap with; the statement comes before the rows are counted in.
  static func lock(_ tenant: TenantID, adding rows: Int) -> Query {
    // The second number stands for no dataset: theirs begin with 1 (LabelIngest.lockOrder).
    """
    SELECT CASE
      WHEN \(rows)::bigint * \(smallest) <= u.maximum AND (u.maximum - u.stored - \(rows)::bigint) * \(left) >= u.maximum
      THEN pg_advisory_xact_lock_shared(\(tenant), 0) ELSE pg_advisory_xact_lock(\(tenant), 0) END
    FROM (
    """ + usage(tenant) + ") u"
  }

  /// The tenant's limit and its rows, those of the caller's transaction among them.
  static func usage(_ tenant: TenantID) -> Query {
    """
    SELECT coalesce((limits->>'rows')::bigint, \(Quota.rows.standard ?? .max)) AS maximum,
           (SELECT coalesce(sum(positives + negatives), 0)::bigint FROM label_counts WHERE tenant_id = \(tenant)) AS stored
    FROM tenants WHERE tenant_id = \(tenant)
    """
  }

  /// Refuses rows for which there is no room already, before they cost the database anything: who is at a limit and goes on
  /// posting would otherwise have every batch stored and rolled back. What counts is ``check(_:_:adding:in:)`` at the end.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``.
  static func refuseEarly(_ tenant: TenantID, adding rows: Int, in tx: some QueryExecutor) async throws {
    guard let row = try await tx.query(usage(tenant)).first else { return }
    let (maximum, stored) = try row.decode(Int.self, Int.self)
    if stored + rows > maximum {
      throw DomainError.quotaExceeded(.rows, maximum: maximum, present: stored)
    }
  }

  /// Refuses to go beyond the limit.
  ///
  /// - Parameter usage: the answer to ``usage(_:)`` after the rows were counted in.
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``.
  static func check(_ usage: QueryResult, _ tenant: TenantID, adding rows: Int, in tx: some QueryExecutor)
    async throws
  {
    guard let row = usage.first else { return }
    var (maximum, stored) = try row.decode(Int.self, Int.self)
    if stored <= maximum, rows * smallest > maximum || (maximum - stored) * left < maximum {
      // Too near to the limit to share, or known to be so only now: look again when the others are done.
      let results = try await tx.pipeline([
        "SELECT pg_advisory_xact_lock(\(tenant), 0)", self.usage(tenant),
      ])
      if let row = results.last?.first { (maximum, stored) = try row.decode(Int.self, Int.self) }
    }
    guard stored > maximum else { return }
    throw DomainError.quotaExceeded(.rows, maximum: maximum, present: stored - rows)
  }
}
