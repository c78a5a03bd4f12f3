import Crypto
import Foundation
import PostgreSQL

/// The advisory locks of the domain, all until the end of a transaction (PostgreSQL manual, section 13.3.5).
///
/// Locks with two numbers are (tenant, dataset), or (tenant, 0) for all labels of the tenant: datasets are numbered from 1.
/// Locks with one number, which PostgreSQL keeps apart from those, stand for Idempotency-Keys.
enum AdvisoryLock {
  /// Orders the transactions that change many labels of a dataset: upserts, which meet rows in the order of their keys,
  /// share the lock; deletions, which meet them in another order, hold it alone.
  static func labels(_ tenant: TenantID, dataset: Int, exclusive: Bool) -> Query {
    let number = Int32(truncatingIfNeeded: dataset)
    return exclusive
      ? "SELECT pg_advisory_xact_lock(\(tenant), \(number))"
      : "SELECT pg_advisory_xact_lock_shared(\(tenant), \(number))"
  }

  /// Orders the transactions that bring a tenant's labels near their limit.
  static func rowQuota(_ tenant: TenantID) -> Query { "SELECT pg_advisory_xact_lock(\(tenant), 0)" }

  /// The expression that takes the lock of ``rowQuota(_:)``, shared with others if `condition` holds.
  static func rowQuota(_ tenant: TenantID, sharedIf condition: Query) -> Query {
    "CASE WHEN " + condition
      + " THEN pg_advisory_xact_lock_shared(\(tenant), 0) ELSE pg_advisory_xact_lock(\(tenant), 0) END"
  }

  /// Takes the lock of an Idempotency-Key if it is free; the row says whether it was.
  static func idempotencyKey(_ tenant: TenantID, _ key: String) -> Query {
    var hash = SHA256()
    hash.update(data: Data("idempotency:\(tenant.rawValue):".utf8))
    hash.update(data: Data(key.utf8))
    let number = hash.finalize().prefix(8).reduce(0) { $0 << 8 | Int64($1) }
    return "SELECT pg_try_advisory_xact_lock(\(number))"
  }
}
