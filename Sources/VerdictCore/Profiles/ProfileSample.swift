import Foundation
import Learning
import PostgreSQL

/// A profile that was computed for a request.
struct ComputedProfile: Sendable {
  /// The described labels.
  var extent: DatasetProfile.Extent
  /// The profiles of all features.
  var features: [FeatureProfile]
}

/// Computes the profile of a dataset from all of its labels, or from a sample if there are many.
struct ProfileSample: Sendable {
  let database: Database
  let tenant: TenantID
  let dataset: Dataset
  /// The largest number of rows of a sample, on average.
  let rows: Int
  /// The memory of the rows.
  let share: RequestMemory.Reservation

  /// The memory of the rows in bytes: fewer rows are read of a wide dataset, and of one with long categories.
  private static let bytes = 64 << 20
  /// The number of places that a sample is read from.
  private static let windows = 500

  /// The rows need more than ``bytes``.
  private struct Overflow: Error { var rows: Int }

  /// Reads the labels and computes the profile.
  func profile() async throws -> ComputedProfile {
    defer { _ = share.resize(to: 0) }
    var most = max(1, min(rows, Self.bytes / 2 / ProfileColumns.rowBytes(dataset.features)))
    while true {
      do {
        let (columns, changes, isExact) = try await read(atMost: most)
        let features = try await BackgroundThreads.profiles.run { columns.profiles() }
        let positives = columns.outcomes.reduce(into: 0) { $0 += Int($1) }
        return ComputedProfile(
          extent: DatasetProfile.Extent(
            computedAt: Date(), changes: changes, positives: positives,
            negatives: columns.outcomes.count - positives, isExact: isExact),
          features: features)
      } catch let overflow as Overflow {
        most = max(1, overflow.rows / 2)
      }
    }
  }

  private func read(
    atMost most: Int
  ) async throws -> (columns: ProfileColumns, changes: Int, isExact: Bool) {
    try await database.read(for: tenant, isolation: .repeatableRead) { tx in
      let counts = try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx)
      let isExact = counts.stored <= most
      guard let rows = isExact ? all() : try await sample(of: counts.stored, atMost: most, in: tx) else {
        return (ProfileColumns(features: dataset.features), counts.changes, true)
      }
      let columns = try await tx.copyOut("COPY (" + rows + ") TO STDOUT (FORMAT binary)") { stream in
        var columns = ProfileColumns(features: dataset.features)
        var reader = BinaryCopyReader()
        while let chunk = try await stream.nextBytes() {
          reader.feed(chunk)
          while try reader.nextRow() { try columns.append(reader) }
          let bytes = columns.byteCount
          guard bytes <= Self.bytes else { throw Overflow(rows: columns.outcomes.count) }
          // Sorting takes the largest column once more.
          if bytes > RequestMemory.small { try share.set(bytes + 32 * columns.outcomes.count) }
        }
        try reader.checkFinished()
        return columns
      }
      return (columns, counts.changes, isExact)
    }
  }

  private func all() -> Query {
    "SELECT " + ProfileColumns.columns
      + " FROM labels WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id)"
  }

  /// The rows in equally spaced ranges of the ids, which begin at random, so that each row is in the sample with the same
  /// probability (systematic sampling of clusters: Cochran, "Sampling Techniques", 1977, chapters 8 and 9).
  ///
  /// The ids of a dataset have gaps where other datasets got ids. A range of ids is as likely to be in a gap as the gaps are long, and all
  /// of its rows belong to the sample: the first rows after gaps are in it no more often than others.
  private func sample(of stored: Int, atMost most: Int, in tx: Transaction) async throws -> Query? {
    let (first, last) = try await tx.query(
      """
      SELECT coalesce(min(id), 0), coalesce(max(id), -1) FROM labels
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id)
      """
    ).single().decode(Int.self, Int.self)
    guard first <= last else { return nil }
    let range = last - first + 1
    let stride = (range + Self.windows - 1) / Self.windows
    // Deletions by servers before may have left a count that is too low.
    let width = max(1, Int(Double(stride) * min(1, Double(most) / Double(max(stored, 1)))))
    // The first range may begin before the first id, as the last one may end after the last id.
    let start = first - Int.random(in: 0..<stride)
    // The number of rows is as expected on average. The limit bounds what unevenly dense ids add to it.
    return
      """
      SELECT l.label, l.numbers, l.categories FROM generate_series(\(start)::bigint, \(last)::bigint, \(stride)::bigint) w (first)
      CROSS JOIN LATERAL (
        SELECT label, numbers, categories FROM labels
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id >= w.first AND id < w.first + \(width)
      ) l LIMIT \(2 * most)
      """
  }
}
