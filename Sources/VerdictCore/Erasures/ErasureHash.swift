import Crypto
import Foundation
import PostgreSQL

/// The keyed hash by which an erasure and its audit entries name their subject: HMAC-SHA-256 (RFC 2104, FIPS 198-1).
///
/// A client that knows a reference can ask for its erasure again and compare the hashes. A reader of the audit log alone learns nothing,
/// because references have too little entropy for a plain hash. The secret is the tenant's own: equal references of two tenants have
/// different hashes, and after the deletion of the tenant nobody can compute them.
enum ErasureHash {
  /// The hash of a subject. The tenant's secret is made with its first erasure.
  static func hash(_ subject: ErasureSubject, _ tenant: TenantID, in tx: Transaction) async throws -> Data {
    let new = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
    let results = try await tx.pipeline([
      """
      INSERT INTO erasure_keys (tenant_id, secret) VALUES (\(tenant), \(new)) ON CONFLICT (tenant_id) DO NOTHING
      """,
      "SELECT secret FROM erasure_keys WHERE tenant_id = \(tenant)",
    ])
    let secret = try results[1].single().decode(Data.self)
    return hash(subject, secret: secret)
  }

  /// The hash of a subject under a secret. The kind and the value are separated by a byte that no kind contains.
  static func hash(_ subject: ErasureSubject, secret: Data) -> Data {
    Data(
      HMAC<SHA256>.authenticationCode(
        for: Data("\(subject.kind.rawValue)\n\(subject.value)".utf8), using: SymmetricKey(data: secret)))
  }

  /// The hash as audit entries and responses show it.
  static func text(_ hash: Data) -> String {
    "hmac-sha256:" + hash.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }
}

extension Erasure {
  /// The hash of the subject, as audit entries and responses show it.
  package var hashText: String { ErasureHash.text(hash) }
}
