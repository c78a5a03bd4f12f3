package import PostgreSQL

/// A tenant's limit on a quota and its current use, read by one statement.
struct QuotaUsage: Sendable {
  /// The limit.
  var maximum: Int
  /// The use.
  var present: Int

  /// Decodes a row of ``statement(_:of:)``.
  init(_ row: Row) throws { (maximum, present) = try row.decode(Int.self, Int.self) }

  /// For tests and for values that are known otherwise.
  init(maximum: Int, present: Int) {
    self.maximum = maximum
    self.present = present
  }

  /// The statement that reads the limit and the use as the columns `maximum` and `present`, including the caller's
  /// own changes. It returns no row for a deleted tenant.
  static func statement(_ quota: Quota, of tenant: TenantID) -> Query {
    let maximum: Query =
      "SELECT coalesce((limits->>'\(unescaped: quota.rawValue)')::bigint, \(quota.standard ?? .max)) AS maximum, "
    let present: Query = quota.usage(of: tenant).map { "(" + $0 + ")" } ?? "0::bigint"
    return maximum + present + " AS present FROM tenants WHERE tenant_id = \(tenant)"
  }
}

/// Enforces the limits of tenants within the transactions that would exceed them.
package enum Quotas {
  /// The limits of a tenant, as of the caller's snapshot.
  static func limits(of tenant: TenantID, in tx: some QueryExecutor) async throws -> TenantLimits {
    let rows = try await tx.query("SELECT limits FROM tenants WHERE tenant_id = \(tenant)")
    return try rows.first?.decode(JSONB.self).decode(TenantLimits.self) ?? TenantLimits()
  }

  /// Locks a tenant's row and returns its limits. Transactions that count datasets, keys or waiting trainings, set limits or
  /// erase the tenant wait for each other by that lock. The caller must not have locked a dataset yet.
  ///
  /// - Throws: ``DomainError/tenantErased``.
  static func lockLimits(of tenant: TenantID, in tx: some QueryExecutor) async throws -> TenantLimits {
    let rows = try await tx.query(
      "SELECT limits, erased_at IS NOT NULL FROM tenants WHERE tenant_id = \(tenant) FOR NO KEY UPDATE")
    guard let (limits, isErased) = try rows.first?.decode(JSONB.self, Bool.self), !isErased else {
      throw DomainError.tenantErased
    }
    return try limits.decode(TenantLimits.self)
  }

  /// Refuses one dataset, key or waiting training more than allowed, before the caller creates it.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``, ``DomainError/tenantErased``.
  package static func admitOneMore(_ quota: Quota, _ tenant: TenantID, in tx: some QueryExecutor) async throws
  {
    let limits = try await lockLimits(of: tenant, in: tx)
    guard let maximum = limits[quota], let usage = quota.usage(of: tenant) else { return }
    let present = try await tx.query(usage).single().decode(Int.self)
    guard present >= maximum else { return }
    throw DomainError.quotaExceeded(quota, maximum: maximum, present: present)
  }
}
