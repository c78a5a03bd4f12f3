import Foundation
package import PostgreSQL

/// Streams the stored predictions of a dataset out of one snapshot.
package struct PredictionExport: Sendable {
  private let database: Database

  /// Exports from `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Hands the predictions that `filter` leaves to `write`, oldest first, as many at a time as come together; `write`
  /// sets the pace.
  package func rows(
    _ tenant: TenantID, dataset: Dataset, where filter: PredictionFilter,
    _ write: @Sendable ([StoredPrediction]) async throws -> Void
  ) async throws {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let query: Query =
        "COPY (" + PredictionStore.select + PredictionStore.condition(tenant, dataset.id, filter)
        + " ORDER BY p.id) TO STDOUT (FORMAT binary)"
      try await tx.copyOut(query) { stream in
        var reader = BinaryCopyReader()
        while let chunk = try await stream.nextBytes() {
          var predictions: [StoredPrediction] = []
          reader.feed(chunk)
          while try reader.nextRow() { predictions.append(try Self.prediction(reader)) }
          if !predictions.isEmpty { try await write(predictions) }
        }
        try reader.checkFinished()
      }
    }
  }

  /// In the order of ``PredictionStore/select``.
  private static func prediction(_ row: BinaryCopyReader) throws -> StoredPrediction {
    try PredictionStore.prediction(
      id: row.decode(0), createdAt: row.decode(1), version: Int(row.decode(2, as: Int32.self)),
      label: row.decode(3),
      probability: row.decode(4), threshold: row.decode(5), numbers: row.decode(6), categories: row.decode(7),
      warnings: row.decode(8), truth: row.decode(9), truthAt: row.decode(10))
  }
}
