import Crypto
import Foundation
import PostgreSQL

/// The advisory locks of the domain. All last until the end of the transaction (PostgreSQL manual, section 13.3.5).
///
/// PostgreSQL has two key spaces. The product uses them as follows:
///
/// | key | lock |
/// |---|---|
/// | (tenant, dataset) | changes of many labels of a dataset; dataset ids start at 1 |
/// | (tenant, 0) | the tenant's limit on rows |
/// | (0x4A4F_4253, hash of the kind) | claims of a kind of job (JobQueue) |
/// | one 64-bit hash | an Idempotency-Key, the evaluation of a live gate, or a history of migrations (`Migrator`) |
enum AdvisoryLock {
  /// Serializes transactions that change many labels of a dataset. Upserts, which lock rows in the order of their
  /// keys, share the lock. Deletions, which lock rows in another order, take it exclusively.
  static func labels(_ tenant: TenantID, dataset: Int, exclusive: Bool) -> Query {
    let number = Int32(truncatingIfNeeded: dataset)
    return exclusive
      ? "SELECT pg_advisory_xact_lock(\(tenant), \(number))"
      : "SELECT pg_advisory_xact_lock_shared(\(tenant), \(number))"
  }

  /// Serializes transactions that bring a tenant's labels near their limit.
  static func rowQuota(_ tenant: TenantID) -> Query { "SELECT pg_advisory_xact_lock(\(tenant), 0)" }

  /// The expression that takes the lock of ``rowQuota(_:)``, shared with others if `condition` holds.
  static func rowQuota(_ tenant: TenantID, sharedIf condition: Query) -> Query {
    "CASE WHEN " + condition
      + " THEN pg_advisory_xact_lock_shared(\(tenant), 0) ELSE pg_advisory_xact_lock(\(tenant), 0) END"
  }

  /// Tries to take the lock of an Idempotency-Key. The returned row tells whether it succeeded.
  static func idempotencyKey(_ tenant: TenantID, _ key: String) -> Query {
    "SELECT pg_try_advisory_xact_lock(\(hash("idempotency:\(tenant.rawValue):" + key)))"
  }

  /// Tries to take the lock of the evaluation of a dataset's live gate. The returned row tells whether it succeeded.
  static func liveGate(_ tenant: TenantID, dataset: Int) -> Query {
    "SELECT pg_try_advisory_xact_lock(\(hash("live gate:\(tenant.rawValue):\(dataset)")))"
  }

  private static func hash(_ name: String) -> Int64 {
    SHA256.hash(data: Data(name.utf8)).prefix(8).reduce(0) { $0 << 8 | Int64($1) }
  }
}
