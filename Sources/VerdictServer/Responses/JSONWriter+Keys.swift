import RowFormats
import VerdictCore

extension JSONWriter {
  /// A key without its secret.
  mutating func key(_ key: APIKey) {
    object { $0.keyMembers(key) }
  }

  /// A new key. Its secret is `null` in a replayed response, because only its hash is stored.
  mutating func issuedKey(_ key: APIKey, secret: KeySecret?) {
    object { json in
      json.keyMembers(key)
      json.name("secret")
      json.optional(secret) { $0.string($1.token) }
    }
  }

  /// The identity and the rights of the key of a request.
  ///
  /// - Parameters:
  ///   - identity: the key and its tenant.
  ///   - jobs: the number of concurrent trainings of a tenant without a limit of its own.
  ///   - shares: the tenant's parts of the process.
  mutating func identity(_ identity: KeyIdentity, jobs: Int, shares: [TenantShares.Share]) {
    object { json in
      json.name("tenant")
      json.string(identity.tenantName)
      json.name("key")
      json.key(identity.key)
      json.name("roles")
      json.array(Role.allCases.filter(identity.key.role.includes)) { $0.string($1.rawValue) }
      json.name("limits")
      json.object { json in
        for quota in Quota.allCases {
          json.name(quota.rawValue)
          json.integer(identity.limits[quota] ?? jobs)
        }
        for share in shares {
          json.name(share.name)
          json.integer(share.limit)
        }
      }
    }
  }

  private mutating func keyMembers(_ key: APIKey) {
    name("id")
    integer(key.id)
    name("name")
    string(key.name)
    name("role")
    string(key.role.rawValue)
    name("created_at")
    time(key.createdAt)
    name("last_used_at")
    optional(key.lastUsedAt) { $0.time($1) }
    name("expires_at")
    optional(key.expiresAt) { $0.time($1) }
  }
}
