import Foundation
import Learning
import PostgreSQL

/// Stores large groups of predictions: by binary COPY into a temporary table, and from there by one statement, as labels
/// are (``LabelIngest``).
enum PredictionStaging {
  /// From how many rows on this way is the faster one.
  static let worthwhile = 128

  /// Stores a group in a transaction of its own.
  static func store(_ group: PredictionGroup, in database: Database) async throws -> PredictionGroup.Outcome {
    try await database.transaction(for: group.tenant) { try await store(group, in: $0) }
  }

  /// Stores a group in the caller's transaction, if its dataset has not changed since.
  static func store(_ group: PredictionGroup, in tx: Transaction) async throws -> PredictionGroup.Outcome {
    try await tx.pipeline([
      // The table may be there from an earlier transaction of the connection, which PostgreSQL would remark on.
      "SET LOCAL client_min_messages = warning",
      """
      CREATE TEMPORARY TABLE IF NOT EXISTS prediction_staging (
        id uuid NOT NULL, label boolean NOT NULL, probability double precision NOT NULL, warnings jsonb,
        numbers double precision[] NOT NULL, categories text[] NOT NULL
      ) ON COMMIT DELETE ROWS
      """,
      // A group that was stale leaves its rows behind.
      "DELETE FROM pg_temp.prediction_staging",
    ])
    let answers = group.answers
    try await tx.copyIn("COPY pg_temp.prediction_staging FROM STDIN (FORMAT binary)") { writer in
      try await writer.write(LabelCopy.header)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(chunk + 4_096)
      for row in 0..<answers.count {
        try append(answers, row, to: &bytes)
        if bytes.count >= chunk {
          try await writer.write(bytes)
          bytes.removeAll(keepingCapacity: true)
        }
      }
      try await writer.write(bytes + LabelCopy.trailer)
    }
    let stored = try await tx.query(
      """
      INSERT INTO predictions
        (tenant_id, dataset_id, model_version, threshold, id, label, probability, warnings, numbers, categories)
      SELECT d.tenant_id, d.id, \(Int32(answers.model.version))::int, \(answers.model.model.threshold)::float8, s.*
      FROM (
        SELECT tenant_id, id FROM datasets
        WHERE tenant_id = \(group.tenant) AND id = \(group.dataset) AND revision = \(group.revision)
          AND deleted_at IS NULL
        FOR KEY SHARE) d
      CROSS JOIN pg_temp.prediction_staging s
      """)
    guard stored.affectedRows == answers.count else { return .stale }
    try await tx.query(PredictionCounting.add(answers.count, group.tenant))
    return .stored
  }

  /// How many bytes go to PostgreSQL at a time.
  private static let chunk = 256 << 10

  private static func append(_ answers: PredictionAnswers, _ row: Int, to bytes: inout [UInt8]) throws {
    bytes.appendBigEndian(UInt16(6))
    bytes.appendBigEndian(UInt32(16))
    withUnsafeBytes(of: answers.ids[row].uuid) { bytes.append(contentsOf: $0) }
    bytes.appendBigEndian(UInt32(1))
    bytes.append(answers.label(row) ? 1 : 0)
    bytes.appendBigEndian(UInt32(8))
    bytes.appendBigEndian(answers.probabilities[row].bitPattern)
    if let warnings = answers.warnings[row] {
      var document: [UInt8] = []
      try JSONB(warnings).encode(into: &document)
      bytes.appendBigEndian(UInt32(document.count))
      bytes += document
    } else {
      bytes.appendBigEndian(UInt32.max)
    }
    LabelCopy.appendValues(answers.rows, row, to: &bytes)
  }
}
