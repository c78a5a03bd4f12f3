package import Foundation
import Crypto
import PostgreSQL

/// A bearer secret, `vd_<tenant>_<64 hexadecimal digits>`: 256 random bits behind the tenant's number.
///
/// The tenant's number selects the rows that row-level security shows to the look-up; the random part authenticates. To
/// prevent accidental logging, `description` shows a prefix only.
package struct KeySecret: Sendable, CustomStringConvertible {
  /// The tenant that the secret names.
  package let tenant: TenantID
  private let random: String

  /// A new secret from the system's random number generator.
  package static func generate(for tenant: TenantID) -> KeySecret {
    let bits = SymmetricKey(size: .bits256)
    return KeySecret(tenant: tenant, random: bits.withUnsafeBytes { Hexadecimal.text($0) })
  }

  /// Parses a bearer token; `nil` for a malformed one.
  package init?(token: some StringProtocol) {
    guard token.utf8.count <= 80 else { return nil }
    let parts = token.split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "vd", let tenant = Int32(parts[1]), tenant > 0,
      String(tenant) == parts[1], parts[2].utf8.count == 64,
      parts[2].utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    self.init(tenant: TenantID(rawValue: tenant), random: String(parts[2]))
  }

  private init(tenant: TenantID, random: String) {
    self.tenant = tenant
    self.random = random
  }

  /// The whole token, which its owner sees once.
  package var token: String { "vd_\(tenant.rawValue)_\(random)" }

  /// The first twelve digits of the random part, the look-up key of the stored row.
  package var prefix: String { String(random.prefix(12)) }

  /// SHA-256 of the token, which is stored. 256 random bits need no slow hash.
  package var hash: Data { Data(SHA256.hash(data: Data(token.utf8))) }

  /// Compares with a stored hash in constant time.
  package func matches(hash stored: Data) -> Bool {
    let own = hash
    guard own.count == stored.count else { return false }
    return zip(own, stored).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  /// The prefix, for logs.
  package var description: String { "vd_\(tenant.rawValue)_\(prefix)…" }
}
