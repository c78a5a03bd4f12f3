import Foundation
package import Learning
package import PostgreSQL

/// The profiles of datasets. ``ProfileRecorder`` stores them after trainings.
package struct ProfileStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  /// Few, since a profile of thousands of features has megabytes.
  private let computed = PacedReads<Subject, Version, ComputedProfile>(capacity: 8)

  private struct Subject: Hashable {
    var tenant: TenantID
    var dataset: Int
  }

  private struct Version: Equatable {
    var changes: Int
    var features: Int
  }

  private let sampleRows: Int

  /// The profiles in `database`.
  ///
  /// - Parameter sampleRows: the number of labels up to which all are read, and beyond which as many.
  package init(database: Database, sampleRows: Int = 50_000) {
    self.database = database
    self.sampleRows = sampleRows
    self.datasets = DatasetStore(database: database)
  }

  /// The share of labels that may have changed before a stored profile describes the present ones no more.
  private static let staleShare = 0.05

  /// The profile of a dataset's labels, with the features after the first `cursor`, at most `limit`, and fewer if they reach
  /// ``PageBudget/bytes``.
  ///
  /// The profile that the newest training has stored is exact. If there is none, or if more than a twentieth of the labels have changed
  /// since, a profile is computed from all labels of a small dataset, and from a sample of a large one.
  ///
  /// - Throws: ``DomainError/notFound(what:)``, ``ReadTimeout``, ``ReadsBusy``, `RequestMemory.Exhausted`.
  package func profile(
    _ tenant: TenantID, dataset name: String, after cursor: Int?, limit: Int
  ) async throws -> DatasetProfile {
    let (dataset, counts, stored) = try await database.read(for: tenant, isolation: .repeatableRead) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let counts = try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx)
      let stored = try await Self.stored(tenant, dataset, counts, after: cursor ?? 0, limit: limit, in: tx)
      return (dataset, counts, stored)
    }
    if let stored { return stored }
    let share = RequestMemory.Reservation(for: tenant)
    let profile = try await computed.value(
      tenant, Subject(tenant: tenant, dataset: dataset.id),
      version: Version(changes: counts.changes, features: dataset.features.count)
    ) { [database, sampleRows] in
      try await ProfileSample(
        database: database, tenant: tenant, dataset: dataset, rows: sampleRows, share: share
      ).profile()
    }
    return DatasetProfile(
      label: dataset.label, labelsStored: counts.stored,
      changesSince: max(0, counts.changes - profile.extent.changes), extent: profile.extent,
      features: Array(profile.features.dropFirst(cursor ?? 0).prefix(limit)))
  }

  /// The stored profile, unless it is too old.
  private static func stored(
    _ tenant: TenantID, _ dataset: Dataset, _ counts: LabelCounts, after cursor: Int, limit: Int,
    in tx: Transaction
  ) async throws -> DatasetProfile? {
    let row = try await tx.query(
      """
      SELECT computed_at, changes, positives, negatives, json_array_length(features) FROM profiles
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id)
      """
    ).first
    guard
      let (time, changes, positives, negatives, features) = try row?.decode(
        Date.self, Int.self, Int.self, Int.self, Int.self)
    else { return nil }
    let extent = DatasetProfile.Extent(
      computedAt: time, changes: changes, positives: positives, negatives: negatives, isExact: true)
    let since = counts.changes - changes
    // Fewer labels show a deletion by a server that knows no profiles; more features, an extension of the dataset.
    guard since >= 0, Double(since) <= staleShare * Double(extent.labels), counts.stored >= extent.labels,
      features == dataset.features.count
    else { return nil }
    return DatasetProfile(
      label: dataset.label, labelsStored: counts.stored, changesSince: since, extent: extent,
      features: try await page(tenant, dataset.id, after: cursor, limit: limit, in: tx))
  }

  private static func page(
    _ tenant: TenantID, _ dataset: Int, after cursor: Int, limit: Int, in tx: Transaction
  ) async throws -> [FeatureProfile] {
    let largest = 2_000 + FeatureProfile.categoryBytes(features: 1_000)
    let features = try await PageBudget.read(
      limit: limit, largest: largest, size: { $0.feature.textSize }
    ) { (last: (position: Int, feature: FeatureProfile)?, count) in
      try await tx.query(
        """
        SELECT f.position, f.feature::text
        FROM profiles p CROSS JOIN LATERAL json_array_elements(p.features) WITH ORDINALITY f (feature, position)
        WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND f.position > \(last?.position ?? cursor)
        ORDER BY f.position LIMIT \(count)
        """
      ).map { row in
        let (position, text) = try row.decode(Int.self, String.self)
        return (position, try JSONDecoder().decode(FeatureProfile.self, from: Data(text.utf8)))
      }
    }
    return features.map(\.feature)
  }

  /// Deletes the stored profile of a dataset, because labels are deleted whose values it could show.
  ///
  /// The caller's transaction has taken the exclusive ``LabelIngest/lockOrder(_:dataset:exclusive:within:in:)``, so that no training
  /// stores a profile of these labels meanwhile.
  static func discard(_ tenant: TenantID, dataset: Int, in tx: some QueryExecutor) async throws {
    try await tx.query("DELETE FROM profiles WHERE tenant_id = \(tenant) AND dataset_id = \(dataset)")
  }
}
