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
      let (hasKeys, attributes) =
        format == .csv ? try await Self.columns(tenant, dataset, where: filter, in: tx) : (false, [])
      let query: Query =
        """
        COPY (
          SELECT label, numbers, categories, key, \(unescaped: AttributeColumn.names) FROM labels l
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND
        """ + filter.condition() + " ORDER BY id) TO STDOUT (FORMAT binary)"
      try await tx.copyOut(query) { stream in
        var reader = LabelExportReader()
        var text: [UInt8] = []
        text.reserveCapacity(Self.pieceSize + 65_536)
        if format == .csv {
          writer.appendCSVHeader(
            keyColumn: hasKeys ? writer.schema.keyColumn : nil, attributes: attributes, to: &text)
        }
        while let chunk = try await stream.nextBytes() {
          reader.feed(chunk)
          while try reader.nextRow() {
            switch format {
            case .csv: writer.appendCSVRecord(reader, hasKey: hasKeys, attributes: attributes, to: &text)
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

  /// Whether rows have keys, and the attributes that they have: the optional columns of a CSV file.
  private static func columns(
    _ tenant: TenantID, _ dataset: Dataset, where filter: LabelFilter, in tx: Transaction
  ) async throws -> (hasKeys: Bool, attributes: [CaseAttribute]) {
    let expressions = AttributeColumn.allCases.map { "bool_or(\($0.rawValue) IS NOT NULL)" }
    let query: Query =
      """
      SELECT bool_or(key IS NOT NULL), \(unescaped: expressions.joined(separator: ", ")) FROM labels l
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND
      """ + filter.condition()
    let row = try await tx.query(query).single()
    let attributes = try AttributeColumn.allCases.enumerated().compactMap { index, column in
      try row.decode(at: index + 1, as: Bool?.self) == true ? column.attribute : nil
    }
    // In the order of RowFormats, whatever the order of the SQL columns is.
    return (
      try row.decode(at: 0, as: Bool?.self) == true, CaseAttribute.allCases.filter(attributes.contains)
    )
  }

  /// The size of a piece in bytes; larger ones are not faster.
  static let pieceSize = 128 << 10
}
