import PostgreSQL
import RowFormats

/// Rows without keys as a `label_row[]` in PostgreSQL's binary form.
struct LabelRows: PostgresEncodable {
  /// The OID differs per database, so it is 0 and the server infers the type from the statement.
  static var postgresType: PostgresType { PostgresType(rawValue: 0) }

  /// The number of rows.
  let count: Int
  private let bytes: [UInt8]

  /// Encodes the rows of a batch from `first` on, until about `size` bytes are reached; at least one row.
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

  /// The size in bytes of a row without its length: the number of columns, their types and lengths, and their values.
  private static func size(_ batch: RowBatch, _ row: Int) -> Int {
    4 + 3 * 8 + 1 + RowArrayWriter.valuesSize(batch, row)
  }
}
