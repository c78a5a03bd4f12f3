import Foundation
import PostgreSQL

/// Removes predictions that their datasets keep no longer. Labels that came from them stay.
enum Retention {
  /// How many predictions one transaction removes at most.
  static let rowsPerStep = 5_000

  /// The deletions of what is too old by now.
  static func deletions(for tenant: TenantID, in database: Database) async throws -> [BoundedDeletion] {
    let datasets = try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        """
        SELECT id, now() - make_interval(days => predictions_kept_days) FROM datasets
        WHERE tenant_id = \(tenant) AND predictions_kept_days IS NOT NULL AND deleted_at IS NULL
        """
      ).map { try $0.decode(Int.self, Date.self) }
    }
    return datasets.map { dataset, limit in
      // Ids begin with their time, so that the old ones stand first in the index, and one look tells that there is nothing to
      // do.
      BoundedDeletion(
        .predictions, of: tenant, dataset: dataset, where: "created_at < \(limit)", stepSize: rowsPerStep)
    }
  }
}
