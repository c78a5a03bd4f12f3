package import PostgreSQL

/// Holds tenants to their limits, within the transactions that would go beyond them.
package enum Quotas {
  /// The limits of a tenant, as of the caller's snapshot.
  static func limits(of tenant: TenantID, in tx: some QueryExecutor) async throws -> TenantLimits {
    let rows = try await tx.query("SELECT limits FROM tenants WHERE tenant_id = \(tenant)")
    return try rows.first?.decode(JSONB.self).decode(TenantLimits.self) ?? TenantLimits()
  }

  /// Makes everything that counts datasets, keys or waiting trainings of a tenant, sets its limits or erases it wait for
  /// the caller's transaction, which has locked no dataset yet, and tells the limits.
  ///
  /// - Throws: ``DomainError/tenantErased``.
  static func limits(
    holding tenant: TenantID, in tx: some QueryExecutor
  ) async throws -> TenantLimits {
    let rows = try await tx.query(
      "SELECT limits, erased_at IS NOT NULL FROM tenants WHERE tenant_id = \(tenant) FOR NO KEY UPDATE")
    guard let (limits, isErased) = try rows.first?.decode(JSONB.self, Bool.self), !isErased else {
      throw DomainError.tenantErased
    }
    return try limits.decode(TenantLimits.self)
  }

  /// Refuses one dataset more than allowed; the caller goes on to make it.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``, ``DomainError/tenantErased``.
  static func admitDataset(_ tenant: TenantID, in tx: some QueryExecutor) async throws {
    try check(
      .datasets, try await limits(holding: tenant, in: tx),
      present: try await count(
        "SELECT count(*) FROM datasets WHERE tenant_id = \(tenant) AND deleted_at IS NULL", in: tx))
  }

  /// Refuses one key more than allowed; the caller goes on to make it.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``, ``DomainError/tenantErased``.
  package static func admitKey(_ tenant: TenantID, in tx: Transaction) async throws {
    try check(
      .keys, try await limits(holding: tenant, in: tx),
      present: try await count("SELECT count(*) FROM api_keys WHERE tenant_id = \(tenant)", in: tx))
  }

  /// Refuses one waiting training more than allowed; the caller goes on to ask for it. Automatic ones do not count: one
  /// waits for a dataset at the most.
  ///
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``, ``DomainError/tenantErased``.
  static func admitJob(_ tenant: TenantID, in tx: some QueryExecutor) async throws {
    try check(
      .queuedJobs, try await limits(holding: tenant, in: tx),
      present: try await count(queuedJobs(tenant), in: tx))
  }

  /// Counts the waiting trainings of a tenant that were asked for by request.
  static func queuedJobs(_ tenant: TenantID) -> Query {
    """
    SELECT count(*) FROM jobs
    WHERE tenant_id = \(tenant) AND kind = \(TrainingJobs.kind) AND state = 'queued' AND NOT coalesced
    """
  }

  private static func count(_ query: Query, in tx: some QueryExecutor) async throws -> Int {
    try await tx.query(query).single().decode(Int.self)
  }

  private static func check(_ quota: Quota, _ limits: TenantLimits, present: Int) throws {
    guard let maximum = limits[quota], present >= maximum else { return }
    throw DomainError.quotaExceeded(quota, maximum: maximum, present: present)
  }
}
