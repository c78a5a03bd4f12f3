import PostgreSQL
import RowFormats

/// Rows without keys as a parameter in binary form, of the type `label_row[]` or, if they have attributes, `label_case[]`.
struct LabelRows: PostgresEncodable {
  /// The OID of a user-defined type is unknown here; the server infers it from the cast in the statement.
  static var postgresType: PostgresType { PostgresType(rawValue: 0) }

  /// The number of rows.
  let count: Int
  private let bytes: [UInt8]

  /// Encodes rows from `first` on until they have about `size` bytes, at least one.
  ///
  /// - Parameter type: the OID of the rows' type.
  init(_ batch: RowBatch, from first: Int, size: Int, type: UInt32) {
    var end = first
    var total = RowArrayWriter.arrayHeader
    repeat {
      total += 4 + Self.size(batch, end)
      end += 1
    } while end < batch.count && total < size
    count = end - first
    var writer = RowArrayWriter(size: total)
    writer.arrayHeader(of: type, count: count, hasNull: false)
    let hasAttributes = !batch.attributes.isEmpty
    for row in first..<end {
      writer.record(
        size: Self.size(batch, row), columns: hasAttributes ? 3 + AttributeColumn.allCases.count : 3)
      writer.column(.bool, 1)
      writer.integer(batch.outcomes[row])
      writer.values(batch, row)
      guard hasAttributes else { continue }
      for column in AttributeColumn.allCases { column.writeRecord(batch.attributes, row, to: &writer) }
    }
    bytes = writer.bytes
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  /// The size of a record: the number of columns, then type, length and value of each.
  private static func size(_ batch: RowBatch, _ row: Int) -> Int {
    let size = 4 + 3 * 8 + 1 + RowArrayWriter.valuesSize(batch, row)
    guard !batch.attributes.isEmpty else { return size }
    return AttributeColumn.allCases.reduce(size) { $0 + 8 + $1.size(of: batch.attributes, row) }
  }
}

/// Rows in binary COPY format for the staging table of ``LabelIngest``, with the columns of ``columns(of:)``.
enum StagedLabelRows {
  /// The columns that a batch fills; the others are NULL.
  static func columns(of batch: RowBatch) -> String {
    let columns = "position, label, numbers, categories, key"
    return batch.attributes.isEmpty ? columns : columns + ", " + AttributeColumn.names
  }

  /// Encodes rows from `first` on until they have about `size` bytes.
  ///
  /// - Parameter before: the number of rows of the request before this batch.
  /// - Returns: the bytes and the index of the next row.
  static func encode(
    _ batch: RowBatch, before: Int, from first: Int, size: Int
  ) -> (bytes: [UInt8], next: Int) {
    var end = first
    var total = 0
    let attributes = batch.attributes.isEmpty ? [] : AttributeColumn.allCases
    while end < batch.count, total < size {
      // The number of columns, five lengths, and the values.
      total += 2 + 5 * 4 + 8 + 1 + RowArrayWriter.valuesSize(batch, end)
      total += batch.keys?.range(of: end)?.count ?? 0
      for column in attributes { total += 4 + column.size(of: batch.attributes, end) }
      end += 1
    }
    var writer = RowArrayWriter(size: total)
    for row in first..<end {
      writer.integer(UInt16(5 + attributes.count))
      writer.integer(UInt32(8))
      writer.integer(UInt64(before + row))
      writer.integer(UInt32(1))
      writer.integer(batch.outcomes[row])
      writer.copyValues(batch, row)
      if let keys = batch.keys { writer.text(keys, row) } else { writer.integer(UInt32.max) }
      for column in attributes { column.writeCopy(batch.attributes, row, to: &writer) }
    }
    return (writer.bytes, end)
  }
}
