import Foundation
public import PostgreSQL

/// Streams all labels of a dataset out of one snapshot.
public struct LabelExport: Sendable {
  private let database: Database
  private let datasets: DatasetStore

  /// Exports from `database`.
  public init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// Hands the rows that `filter` leaves to `write`, in the order in which they were stored, as many at a time as come
  /// together; `write` sets the pace.
  ///
  /// - Parameter begin: called before the first row, with whether any row has a key.
  public func rows(
    _ tenant: TenantID, dataset: Dataset, where filter: LabelFilter,
    begin: @Sendable (_ hasKeys: Bool) async throws -> Void,
    _ write: @Sendable ([ExportedLabel]) async throws -> Void
  ) async throws {
    // Both statements see the same rows.
    try await database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) { tx in
      let keyed: Query =
        """
        SELECT EXISTS (
          SELECT FROM labels l
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND key IS NOT NULL AND
        """ + filter.condition() + ")"
      try await begin(try await tx.query(keyed).single().decode(Bool.self))
      let query: Query =
        """
        COPY (
          SELECT label, numbers, categories, key FROM labels l
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND
        """ + filter.condition() + " ORDER BY id) TO STDOUT (FORMAT binary)"
      try await tx.copyOut(query) { stream in
        var reader = BinaryCopyReader()
        while let chunk = try await stream.nextBytes() {
          var labels: [ExportedLabel] = []
          reader.feed(chunk)
          while try reader.nextRow() {
            labels.append(
              ExportedLabel(
                label: try reader.decode(0),
                row: FeatureRow(numbers: try reader.decode(1), categories: try reader.decode(2)),
                key: try reader.decode(3)))
          }
          if !labels.isEmpty { try await write(labels) }
        }
        try reader.checkFinished()
      }
    }
  }
}

/// A label as it is exported: what a client needs to post it again.
public struct ExportedLabel: Sendable {
  /// The true outcome.
  public var label: Bool
  /// The feature values.
  public var row: FeatureRow
  /// The client's own name for the row.
  public var key: String?
}
