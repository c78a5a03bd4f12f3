import Foundation
import Learning
import PostgreSQL

/// All labels of a dataset as one snapshot saw them, in the learner's form.
struct TrainingData: Sendable {
  var table: TrainingTable
  /// The highest id among them.
  var lastLabelID: Int
  /// The dataset's count of changes in the same snapshot.
  var changes: Int

  /// Reads all labels of a dataset, in the order in which they were stored, by one COPY in the binary format.
  ///
  /// - Parameter read: told the number of rows read so far, now and then.
  static func read(
    _ tenant: TenantID, _ dataset: Dataset, from database: Database,
    progress read: @Sendable (Int, Int) -> Void
  ) async throws -> TrainingData {
    try await database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) { tx in
      let counts = try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx)
      let query: Query = """
        COPY (
          SELECT label, id, numbers, categories FROM labels
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id)
          ORDER BY id
        ) TO STDOUT (FORMAT binary)
        """
      var columns = TrainingColumns(features: dataset.features, expectedRows: counts.stored)
      try await tx.copyOut(query) { stream in
        var reader = BinaryCopyReader()
        while let chunk = try await stream.nextBytes() {
          try Task.checkCancellation()
          reader.feed(chunk)
          while try reader.nextRow() { try columns.append(reader) }
          read(columns.rowCount, counts.stored)
        }
        try reader.checkFinished()
      }
      return TrainingData(
        table: try columns.table(), lastLabelID: columns.lastLabelID, changes: counts.changes)
    }
  }
}
