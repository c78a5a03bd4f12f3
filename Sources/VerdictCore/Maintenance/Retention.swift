import Foundation
import PostgreSQL

/// Deletes predictions beyond their dataset's retention period. Labels that refer to them stay, and the others are counted, because
/// live KPIs need the number of the outcomes that stay unknown.
enum Retention {
  /// The maximum number of predictions that one transaction deletes.
  static let rowsPerStep = 5_000

  /// The deletions of the predictions that are too old now.
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
      // Ids begin with their creation time, so the oldest rows come first in the index, and one look-up detects that
      // nothing is due.
      BoundedDeletion(
        .predictions, of: tenant, dataset: dataset, where: "created_at < \(limit)", stepSize: rowsPerStep,
        countsUnlabelled: true)
    }
  }
}
