package import PostgreSQL
import RowFormats

/// Streams the labels of a dataset from one snapshot, as text that can be posted again.
package struct LabelExport: Sendable {
  /// The format of the text.
  package enum Format: Sendable {
    /// RFC 4180 with a header line.
    case csv
    /// One JSON object per line.
    case ndjson
  }

  private let database: Database

  /// Exports from `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Passes the rows that match `filter` to `write`, in the order of their storage, as text in pieces of about
  /// ``pieceSize`` bytes. `write` applies back-pressure: while it runs, nothing is read ahead and PostgreSQL waits.
  ///
  /// - Throws: `PostgreSQLError` and the errors of `write`.
  package func text(
    _ tenant: TenantID, dataset: Dataset, as format: Format, where filter: LabelFilter,
    _ write: @Sendable ([UInt8]) async throws -> Void
  ) async throws {
    let writer = RowWriter(schema: dataset.schema)
    // Repeatable read, so that both statements see the same rows.
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
        var reader = LabelExportReader()
        var text: [UInt8] = []
        text.reserveCapacity(Self.pieceSize + 65_536)
        if format == .csv {
          writer.appendCSVHeader(keyColumn: hasKeys ? writer.schema.keyColumn : nil, to: &text)
        }
        while let chunk = try await stream.nextBytes() {
          reader.feed(chunk)
          while try reader.nextRow() {
            switch format {
            case .csv: writer.appendCSVRecord(reader, hasKey: hasKeys, to: &text)
            case .ndjson: writer.appendNDJSONLine(reader, to: &text)
            }
          }
          guard text.count >= Self.pieceSize else { continue }
          try await write(text)
          text.removeAll(keepingCapacity: true)
        }
        try reader.checkFinished()
        if !text.isEmpty { try await write(text) }
      }
    }
  }

  /// The size of a piece in bytes; larger ones are not faster.
  static let pieceSize = 128 << 10
}
