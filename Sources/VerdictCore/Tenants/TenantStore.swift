import Foundation
import JobQueue
package import PostgreSQL

/// The directory of tenants, for the operator.
package struct TenantStore: Sendable {
  let database: Database

  /// The directory in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Creates a tenant together with its first admin key.
  ///
  /// - Returns: the tenant and the key with its secret, of which only a hash is stored.
  /// - Throws: ``DomainError/nameTaken(what:)``; ``PostgreSQLError``.
  package func create(name: String, keyName: String) async throws -> (Tenant, IssuedKey) {
    let id = try await database.pool
      .query("SELECT nextval('tenants_tenant_id_seq')::int").first.map { try $0.decode(Int32.self) }
    guard let id else { throw DomainError.notFound(what: "sequence of tenants") }
    let tenantID = TenantID(rawValue: id)
    return try await database.transaction(for: tenantID) { tx in
      do {
        let rows = try await tx.query(
          "INSERT INTO tenants (tenant_id, name) VALUES (\(id), \(name)) RETURNING created_at")
        let tenant = Tenant(id: tenantID, name: name, createdAt: try rows.single().decode(Date.self))
        try await AuditLog.record(tenantID, .commandLine, .tenantCreated, "tenant \(name)", in: tx)
        let key = try await KeyStore.issue(tenantID, name: keyName, role: .admin, expiresAt: nil, in: tx)
        return (tenant, key)
      } catch let error as PostgreSQLError where error.sqlState == .uniqueViolation {
        throw DomainError.nameTaken(what: "tenant \(name)")
      }
    }
  }

  /// All tenants, by name.
  package func list() async throws -> [Tenant] {
    try await database.operatorTransaction { tx in
      try await tx.query("SELECT tenant_id, name, created_at FROM tenants ORDER BY name").map(Self.tenant)
    }
  }

  /// The tenant of that name.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func find(name: String) async throws -> Tenant {
    let found = try await database.operatorTransaction { tx in
      try await tx.query("SELECT tenant_id, name, created_at FROM tenants WHERE name = \(name)").map(
        Self.tenant)
    }
    guard let tenant = found.first else { throw DomainError.notFound(what: "tenant \(name)") }
    return tenant
  }

  /// Returns the tenant's own limits.
  package func limits(_ tenant: TenantID) async throws -> TenantLimits {
    try await database.read(for: tenant) {
      try await Quotas.limits(of: tenant, in: $0)
    }
  }

  /// Changes the limits of a tenant.
  ///
  /// - Parameter change: changes the tenant's own limits; concurrent changes are serialized.
  /// - Throws: ``DomainError/tenantErased`` if the tenant is being erased or was.
  package func setLimits(
    _ tenant: TenantID, _ change: @Sendable (inout TenantLimits) -> Void
  ) async throws -> TenantLimits {
    try await database.transaction(for: tenant) { tx in
      var limits = try await Quotas.lockLimits(of: tenant, in: tx)
      change(&limits)
      try await tx.query("UPDATE tenants SET limits = \(try JSONB(limits)) WHERE tenant_id = \(tenant)")
      try await JobQueue.setLimit(tenant: tenant.rawValue, running: limits[set: .jobs], in: tx)
      let words = Quota.allCases.compactMap { quota in limits[set: quota].map { "\(quota.rawValue) \($0)" } }
      try await AuditLog.record(
        tenant, .commandLine, .limitsSet, "tenant",
        detail: words.isEmpty ? "standard" : words.joined(separator: ", "), in: tx)
      return limits
    }
  }

  private static func tenant(_ row: Row) throws -> Tenant {
    let (id, name, createdAt) = try row.decode(Int32.self, String.self, Date.self)
    return Tenant(id: TenantID(rawValue: id), name: name, createdAt: createdAt)
  }
}
