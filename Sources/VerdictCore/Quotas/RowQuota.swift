import PostgreSQL

/// Enforces the limit on a tenant's labels exactly, for any number of concurrent transactions that add rows.
///
/// A transaction does not see what others have not committed. Transactions that could exceed the limit together therefore
/// exclude each other by an advisory lock, from their last statement to their commit. A transaction shares the lock if it
/// adds at most a thousandth of the limit while a fifth of the limit is free: two hundred such ones cannot exceed it.
enum RowQuota {
  /// The divisor of the limit that gives the most rows of a transaction that shares the lock.
  private static let shareDivisor = 1_000
  /// The divisor of the limit that gives the free part that sharing needs.
  private static let freeDivisor = 5

  /// Waits for the transactions that the caller must exclude. The statement precedes the one that counts the rows.
  static func lock(_ tenant: TenantID, adding rows: Int) -> Query {
    let mayShare: Query = """
      \(rows)::bigint * \(shareDivisor) <= u.maximum
        AND (u.maximum - u.present - \(rows)::bigint) * \(freeDivisor) >= u.maximum
      """
    return "SELECT " + AdvisoryLock.rowQuota(tenant, sharedIf: mayShare) + " FROM (" + usage(tenant) + ") u"
  }

  /// The tenant's limit and rows, including the rows of the caller's transaction.
  static func usage(_ tenant: TenantID) -> Query { QuotaUsage.statement(.rows, of: tenant) }

  /// Refuses rows that already exceed the limit, so that a client that keeps posting does not make the database store
  /// and roll back each batch. ``check(_:_:adding:in:)`` decides at the end.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``.
  static func refuseEarly(_ tenant: TenantID, adding rows: Int, in tx: some QueryExecutor) async throws {
    guard let usage = try await tx.query(usage(tenant)).first.map(QuotaUsage.init) else { return }
    if usage.present + rows > usage.maximum {
      throw DomainError.quotaExceeded(.rows, maximum: usage.maximum, present: usage.present)
    }
  }

  /// Refuses to exceed the limit.
  ///
  /// - Parameter result: of ``usage(_:)``, after the rows were counted.
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``.
  static func check(_ result: QueryResult, _ tenant: TenantID, adding rows: Int, in tx: some QueryExecutor)
    async throws
  {
    guard var usage = try result.first.map(QuotaUsage.init) else { return }
    let (maximum, present) = (usage.maximum, usage.present)
    if present <= maximum, rows * shareDivisor > maximum || (maximum - present) * freeDivisor < maximum {
      // Too close to the limit to share the lock, perhaps only because others committed: read again under the
      // exclusive lock.
      let results = try await tx.pipeline([AdvisoryLock.rowQuota(tenant), self.usage(tenant)])
      if let row = results.last?.first { usage = try QuotaUsage(row) }
    }
    guard usage.present > usage.maximum else { return }
    throw DomainError.quotaExceeded(.rows, maximum: usage.maximum, present: usage.present - rows)
  }
}
