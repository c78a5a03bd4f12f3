package import Foundation
package import PostgreSQL
import RowFormats

/// The API keys of tenants.
package struct KeyStore: Sendable {
  private let database: Database

  /// The keys in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Creates a key of `tenant` in the caller's transaction. Its name is stored in normalization form C.
  package static func issue(
    _ tenant: TenantID, name: String, role: Role, expiresAt: Date?, by actor: Actor = .commandLine,
    in tx: some QueryExecutor
  ) async throws -> IssuedKey {
    let secret = KeySecret.generate(for: tenant)
    let name = name.normalized
    let row = try await tx.query(
      """
      INSERT INTO api_keys (tenant_id, name, role, prefix, secret_hash, expires_at)
      VALUES (\(tenant), \(name), \(role.rawValue), \(secret.prefix), \(secret.hash), \(expiresAt))
      RETURNING id, created_at
      """
    ).single()
    let (id, createdAt) = try row.decode(Int.self, Date.self)
    let key = APIKey(
      id: id, name: name, role: role, createdAt: createdAt, lastUsedAt: nil, expiresAt: expiresAt)
    try await AuditLog.record(
      tenant, actor, .keyCreated, "key \(id)", detail: "\(name), \(role.rawValue)", in: tx)
    return IssuedKey(key: key, secret: secret)
  }

  /// A key of `tenant`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func key(_ tenant: TenantID, id: Int) async throws -> APIKey {
    let keys = try await database.read(for: tenant) { tx in
      try await tx.query(Self.keys + "WHERE tenant_id = \(tenant) AND id = \(id)").map(Self.key)
    }
    guard let key = keys.first else { throw DomainError.notFound(what: "key \(id)") }
    return key
  }

  /// The identity and the rights of a key of `tenant`; `nil` if it has just been revoked.
  package func identity(_ tenant: TenantID, key id: Int) async throws -> KeyIdentity? {
    try await database.read(for: tenant) { tx in
      guard
        let key = try await tx.query(Self.keys + "WHERE tenant_id = \(tenant) AND id = \(id)").first.map(
          Self.key),
        let (name, limits) = try await tx.query(
          "SELECT name, limits FROM tenants WHERE tenant_id = \(tenant) AND erased_at IS NULL"
        ).first?.decode(String.self, JSONB.self)
      else { return nil }
      return KeyIdentity(tenantName: name, key: key, limits: try limits.decode(TenantLimits.self))
    }
  }

  /// The keys of `tenant` after the key `cursor`, oldest first, at most `limit`.
  package func list(_ tenant: TenantID, after cursor: Int?, limit: Int) async throws -> [APIKey] {
    try await database.read(for: tenant) { tx in
      try await tx.query(
        Self.keys + "WHERE tenant_id = \(tenant) AND id > \(cursor ?? 0) ORDER BY id LIMIT \(limit)"
      ).map(Self.key)
    }
  }

  /// Keys; a WHERE clause follows.
  private static let keys: Query =
    "SELECT id, name, role, created_at, last_used_at, expires_at FROM api_keys "

  private static func key(_ row: Row) throws -> APIKey {
    let (id, name, role, createdAt, lastUsedAt, expiresAt) = try row.decode(
      Int.self, String.self, String.self, Date.self, Date?.self, Date?.self)
    return APIKey(
      id: id, name: name, role: Role(rawValue: role) ?? .read, createdAt: createdAt,
      lastUsedAt: lastUsedAt, expiresAt: expiresAt)
  }

  /// Revokes a key of `tenant`: every later request with it fails.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func revoke(_ tenant: TenantID, id: Int, by actor: Actor = .commandLine) async throws {
    try await database.transaction(for: tenant) { tx in
      // Before the deletion, since the key may be the actor.
      try await AuditLog.record(tenant, actor, .keyRevoked, "key \(id)", in: tx)
      let result = try await tx.query("DELETE FROM api_keys WHERE tenant_id = \(tenant) AND id = \(id)")
      guard result.affectedRows == 1 else { throw DomainError.notFound(what: "key \(id)") }
      try await DatasetChanges.announceRevocation(tenant, key: id, in: tx)
    }
  }

  /// The principal of a bearer secret; `nil` if the key is unknown, revoked or expired.
  ///
  /// It fails after ``Database/lookUpLimit`` if the database does not respond.
  package func principal(for secret: KeySecret) async throws -> Principal? {
    let tenant = secret.tenant
    let rows = try await database.lookUp(for: tenant, isUrgent: true) { tx in
      try await tx.query(
        """
        SELECT k.id, k.role, k.secret_hash, k.expires_at, t.limits,
               coalesce(k.last_used_at < now() - interval '1 minute', true) AND NOT pg_is_in_recovery()
                 AND current_setting('default_transaction_read_only') = 'off'
        FROM api_keys k
        JOIN tenants t ON t.tenant_id = k.tenant_id
        WHERE k.tenant_id = \(tenant) AND k.prefix = \(secret.prefix)
          AND (k.expires_at IS NULL OR k.expires_at > now()) AND t.erased_at IS NULL
        """)
    }
    guard let row = rows.first else { return nil }
    let (id, roleName, hash, expiresAt, limits, isStale) = try row.decode(
      Int.self, String.self, Data.self, Date?.self, JSONB.self, Bool.self)
    guard secret.matches(hash: hash), let role = Role(rawValue: roleName) else { return nil }
    if isStale, await !recordUse(of: id, tenant) { return nil }
    return Principal(
      tenant: tenant, keyID: id, role: role, limits: try limits.decode(TenantLimits.self),
      expiresAt: expiresAt)
  }

  /// Records the use of a key, at most once a minute. A failure is ignored, and the commit does not wait for a standby.
  ///
  /// - Returns: false if the key has just been revoked.
  private func recordUse(of id: Int, _ tenant: TenantID) async -> Bool {
    guard !database.isReadOnly else { return true }
    let results = try? await database.transaction(for: tenant, within: Database.lookUpLimit) { tx in
      try await tx.pipeline([
        "SET LOCAL synchronous_commit = off",
        "UPDATE api_keys SET last_used_at = now() WHERE tenant_id = \(tenant) AND id = \(id)",
      ])
    }
    return results?.last?.affectedRows != 0
  }
}
