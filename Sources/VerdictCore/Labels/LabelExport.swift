package import PostgreSQL
import RowFormats

/// Streams the labels of a dataset from one snapshot, as text that can be posted back.
package struct LabelExport: Sendable {
  /// The text's format.
  package enum Format: Sendable {
    /// RFC 4180 with a header line.
    case csv
    /// One JSON object a line.
    case ndjson
  }

  private let database: Database

  /// Exports from `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Passes the rows that match `filter` to `write` in the order of their ids, as text in chunks of about
  /// ``pieceSize`` bytes. While `write` is busy, PostgreSQL waits and nothing is read ahead.
  ///
  /// - Throws: ``PostgreSQLError``, and errors of `write`.
  package func text(
    _ tenant: TenantID, dataset: Dataset, as format: Format, where filter: LabelFilter,
    _ write: @Sendable ([UInt8]) async throws -> Void
  ) async throws {
    let writer = RowWriter(schema: dataset.schema)
    // Both statements use one snapshot.
    try await database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) { tx in
      let keyed: Query =
        """
        SELECT EXISTS (
          SELECT FROM labels l
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND key IS NOT NULL AND
        """ + filter.condition() + ")"
      let hasKeys = try await tx.query(keyed).single().decode(Bool.self)
      let query: Query =
        """
        COPY (
          SELECT label, numbers, categories, key FROM labels l
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND
        """ + filter.condition() + " ORDER BY id) TO STDOUT (FORMAT binary)"
      try await tx.copyOut(query) { stream in
        var reader = LabelCopyReader()
        var text: [UInt8] = []
        text.reserveCapacity(Self.pieceSize + 65_536)
        if format == .csv {
          writer.appendCSVHeader(keyColumn: hasKeys ? writer.schema.keyColumn : nil, to: &text)
        }
        while let chunk = try await stream.nextBytes() {
          try reader.feed(chunk)
          switch format {
          case .csv: while try reader.nextRow() { writer.appendRecord(reader, hasKey: hasKeys, to: &text) }
          case .ndjson: while try reader.nextRow() { writer.appendLine(reader, to: &text) }
          }
          guard text.count >= Self.pieceSize else { continue }
          try await write(text)
          text.removeAll(keepingCapacity: true)
        }
        guard reader.isFinished else {
          throw PostgreSQLError(.protocolViolation, "the COPY data ends without its trailer")
        }
        if !text.isEmpty { try await write(text) }
      }
    }
  }

  /// The size of a chunk in bytes. Larger chunks are not faster.
  static let pieceSize = 128 << 10
}
