import PostgreSQL
import RowFormats

/// Rows without keys as a parameter of the type `label_row[]` in binary form.
struct LabelRows: PostgresEncodable {
  /// The OID of a user-defined type is unknown here; the server infers it from the cast in the statement.
  static var postgresType: PostgresType { PostgresType(rawValue: 0) }

  /// The number of rows.
  let count: Int
  private let bytes: [UInt8]

  /// Encodes rows from `first` on until they have about `size` bytes, at least one.
  ///
  /// - Parameter type: the OID of `label_row`.
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
    for row in first..<end {
      writer.record(size: Self.size(batch, row), columns: 3)
      writer.column(.bool, 1)
      writer.integer(batch.outcomes[row])
      writer.values(batch, row)
    }
    bytes = writer.bytes
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  /// The size of a record: the number of columns, then type, length and value of each.
  private static func size(_ batch: RowBatch, _ row: Int) -> Int {
    4 + 3 * 8 + 1 + RowArrayWriter.valuesSize(batch, row)
  }
}

/// Rows in binary COPY format for the staging table of ``LabelIngest``: position, label, numbers, categories, key.
enum StagedLabelRows {
  /// Encodes rows from `first` on until they have about `size` bytes.
  ///
  /// - Parameter before: the number of rows of the request before this batch.
  /// - Returns: the bytes and the index of the next row.
  static func encode(
    _ batch: RowBatch, before: Int, from first: Int, size: Int
  ) -> (bytes: [UInt8], next: Int) {
    var end = first
    var total = 0
    while end < batch.count, total < size {
      // The number of columns, five lengths, and the values.
      total += 2 + 5 * 4 + 8 + 1 + RowArrayWriter.valuesSize(batch, end)
      total += batch.keys?.range(of: end)?.count ?? 0
      end += 1
    }
    var writer = RowArrayWriter(size: total)
    for row in first..<end {
      writer.integer(UInt16(5))
      writer.integer(UInt32(8))
      writer.integer(UInt64(before + row))
      writer.integer(UInt32(1))
      writer.integer(batch.outcomes[row])
      writer.copyValues(batch, row)
      if let keys = batch.keys { writer.text(keys, row) } else { writer.integer(UInt32.max) }
    }
    return (writer.bytes, end)
  }
}
