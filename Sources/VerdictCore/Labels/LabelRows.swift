import PostgreSQL
import RowFormats

/// Rows without keys as a `label_row[]` in its binary form.
struct LabelRows: PostgresEncodable {
  /// The type is the database's own: the statement says it, and the server infers it from there.
  static var postgresType: PostgresType { PostgresType(rawValue: 0) }

  /// How many rows there are.
  let count: Int
  private let bytes: [UInt8]

  /// The rows of a batch from `first` on, until about `size` bytes have come together; at least one.
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

  /// Bytes of a row without its length: the number of columns, their types and lengths, and their values.
  private static func size(_ batch: RowBatch, _ row: Int) -> Int {
    4 + 3 * 8 + 1 + RowArrayWriter.valuesSize(batch, row)
  }
}
