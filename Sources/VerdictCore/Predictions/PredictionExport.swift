package import PostgreSQL

/// Streams the stored predictions of a dataset out of one snapshot.
package struct PredictionExport: Sendable {
  private let database: Database

  /// Exports from `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Passes the predictions that match `filter` to `write`, oldest first, chunk by chunk at the pace of `write`.
  package func rows(
    _ tenant: TenantID, dataset: Dataset, where filter: PredictionFilter,
    _ write: @Sendable ([StoredPrediction]) async throws -> Void
  ) async throws {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let query: Query =
        "COPY (" + PredictionColumn.select + PredictionStore.condition(tenant, dataset.id, filter)
        + " ORDER BY p.id) TO STDOUT (FORMAT binary)"
      try await tx.copyOut(query) { stream in
        var reader = BinaryCopyReader()
        while let chunk = try await stream.nextBytes() {
          var predictions: [StoredPrediction] = []
          reader.feed(chunk)
          while try reader.nextRow() { predictions.append(try PredictionColumn.prediction(reader)) }
          if !predictions.isEmpty { try await write(predictions) }
        }
        try reader.checkFinished()
      }
    }
  }
}
