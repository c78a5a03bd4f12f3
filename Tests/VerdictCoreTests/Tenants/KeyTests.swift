import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing
@testable import VerdictCore

/// Tests of API keys: roles, secrets, revocation and expiry.
@Suite struct KeyTests {
  @Test func `each role includes the documented ones`() {
    let included: [Role: Set<Role>] = [
      .admin: [.admin, .write, .read, .predict], .write: [.write, .read, .predict], .read: [.read],
      .predict: [.predict],
    ]
    for role in Role.allCases {
      #expect(Set(Role.allCases.filter(role.includes)) == included[role])
    }
  }

  @Test func `only well-formed secrets are parsed`() throws {
    let secret = KeySecret.generate(for: TenantID(rawValue: 7))
    let again = try #require(KeySecret(token: secret.token))
    #expect(again.hash == secret.hash)
    #expect(again.tenant == TenantID(rawValue: 7))
    #expect(!"\(secret)".contains(secret.token))
    let random = secret.token.dropFirst("vd_7_".count)
    for token in [
      "", "vd", "vd_7", "vd_7_", "vd_7_\(random)0", "vd_07_\(random)", "vd_-7_\(random)", "vd_+7_\(random)",
      "vd_7_\(random.dropLast())G", "xx_7_\(random)", "vd_99999999999_\(random)", "vd_7_\(random)_",
    ] {
      #expect(KeySecret(token: token) == nil, "\(token)")
    }
  }

  @Test func `a key is valid until it is revoked or expires`() async throws {
    try await TestDomain.with { domain in
      let (tenant, first) = try await TenantStore(database: domain.database).create(
        name: "acme", keyName: "first")
      let keys = KeyStore(database: domain.database)
      let principal = try await keys.principal(for: first.secret)
      #expect(principal == Principal(tenant: tenant.id, keyID: first.key.id, role: .admin))
      let expired = try await domain.database.transaction(for: tenant.id) { tx in
        try await KeyStore.issue(
          tenant.id, name: "old", role: .read, expiresAt: Date(timeIntervalSinceNow: -1), in: tx)
      }
      #expect(try await keys.principal(for: expired.secret) == nil)
      #expect(try await keys.principal(for: .generate(for: tenant.id)) == nil)
      try await keys.revoke(tenant.id, id: first.key.id)
      #expect(try await keys.principal(for: first.secret) == nil)
    }
  }

  /// The key is revoked after the look-up has read it and before the look-up records its use.
  @Test(.timeLimit(.minutes(10)))
  func `a key that is revoked during its look-up is invalid`() async throws {
    try await TestDomain.with { domain in
      let (tenant, first) = try await TenantStore(database: domain.database).create(
        name: "acme", keyName: "first")
      let looking = try await domain.database.transaction(for: tenant.id) { tx in
        try await tx.query("DELETE FROM api_keys WHERE tenant_id = \(tenant.id.rawValue)")
        let looking = Task { try await KeyStore(database: domain.database).principal(for: first.secret) }
        try await domain.waitForALock()
        return looking
      }
      #expect(try await looking.value == nil)
    }
  }

  @Test func `a secret with another tenant's number is invalid`() async throws {
    try await TestDomain.with { domain in
      let store = TenantStore(database: domain.database)
      let (_, key) = try await store.create(name: "mine", keyName: "first")
      let (theirs, _) = try await store.create(name: "theirs", keyName: "first")
      let random = try #require(key.secret.token.split(separator: "_").last)
      let forged = try #require(KeySecret(token: "vd_\(theirs.id.rawValue)_\(random)"))
      #expect(try await KeyStore(database: domain.database).principal(for: forged) == nil)
    }
  }

  @Test func `tenant names are unique`() async throws {
    try await TestDomain.with { domain in
      _ = try await domain.tenant("acme")
      await #expect(throws: DomainError.nameTaken(what: "tenant acme")) { try await domain.tenant("acme") }
    }
  }
}
