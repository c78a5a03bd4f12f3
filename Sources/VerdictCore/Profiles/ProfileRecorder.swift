import Foundation
import Learning
import Logging
import PostgreSQL

/// Computes and stores the profile of the labels of a training, after its result has been stored: the labels are in memory then.
struct ProfileRecorder: Sendable {
  private let database: Database
  private let logger: Logger

  /// From so many rows on, a profile is renewed when one row of a hundred has changed.
  private static let manyRows = 100_000

  init(database: Database, logger: Logger) {
    self.database = database
    self.logger = logger
  }

  /// Stores the profile of the labels that a training has read. A failure is logged and has no effect on the training.
  ///
  /// - Parameter job: the training, whose model is stored.
  func record(_ data: LabelReader.Reading, _ tenant: TenantID, job: Int64) async {
    do {
      guard try await isDue(data, tenant) else { return }
      let text = try await BackgroundThreads.trainings.run { try Self.text(data.table) }
      try await store(text, data, tenant, job: job)
    } catch {
      if error is CancellationError { return }
      logger.warning(
        "no profile stored", metadata: ["tenant": "\(tenant)", "job": "\(job)", "error": "\(error)"])
    }
  }

  /// Whether the stored profile does not describe these labels already.
  private func isDue(_ data: LabelReader.Reading, _ tenant: TenantID) async throws -> Bool {
    let row = try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        """
        SELECT changes, json_array_length(features) FROM profiles
        WHERE tenant_id = \(tenant) AND dataset_id = \(data.dataset.id)
        """
      ).first
    }
    guard let (changes, features) = try row?.decode(Int.self, Int.self) else { return true }
    // A profile of many rows takes as long as an automatic training on them, which a few changes do not justify.
    let rows = data.table.rowCount
    let tolerated = rows >= Self.manyRows ? rows / 100 : 0
    return abs(data.changes - changes) > tolerated || features != data.table.columns.count
  }

  /// The profiles of the features of a table as a JSON array.
  private static func text(_ table: TrainingTable) throws -> String {
    let bytes = FeatureProfile.categoryBytes(features: table.columns.count)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    var text = "["
    for index in table.columns.indices {
      let profile = FeatureProfile(
        table.names[index], table.kinds[index], table.columns[index], outcomes: table.outcomes,
        categoryBytes: bytes)
      if index > 0 { text += "," }
      text += String(decoding: try encoder.encode(profile), as: UTF8.self)
    }
    return text + "]"
  }

  /// Stores a profile, unless labels of it have been deleted: an earlier deletion is counted in the model, and a later one waits for
  /// this transaction and finds the profile.
  private func store(
    _ text: String, _ data: LabelReader.Reading, _ tenant: TenantID, job: Int64
  ) async throws {
    let positives = data.table.outcomes.reduce(into: 0) { $0 += Int($1) }
    let negatives = data.table.rowCount - positives
    try await database.transaction(for: tenant, within: .seconds(60)) { tx in
      try await LabelIngest.lockOrder(
        tenant, dataset: data.dataset.id, exclusive: false, within: .seconds(2), in: tx)
      try await tx.query(
        """
        INSERT INTO profiles (tenant_id, dataset_id, changes, positives, negatives, features)
        SELECT d.tenant_id, d.id, \(data.changes), \(positives), \(negatives), \(text)::text::json
        FROM datasets d JOIN models m ON m.tenant_id = d.tenant_id AND m.dataset_id = d.id
        WHERE d.tenant_id = \(tenant) AND d.id = \(data.dataset.id) AND d.writable AND d.deleted_at IS NULL
          AND m.job_id = \(job) AND m.labels_deleted_since = 0
        ON CONFLICT (tenant_id, dataset_id) DO UPDATE SET
          computed_at = excluded.computed_at, changes = excluded.changes, positives = excluded.positives,
          negatives = excluded.negatives, features = excluded.features
        WHERE profiles.changes <= excluded.changes
        """)
    }
  }
}
