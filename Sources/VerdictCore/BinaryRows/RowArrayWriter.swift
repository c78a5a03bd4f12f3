import PostgreSQL
import RowFormats

/// Writes rows in PostgreSQL's binary formats: as elements of an array of composite values (`array_send`, `record_send`)
/// and as rows of binary COPY.
///
/// The buffer has its final size from the start and is filled with big-endian values: appending them costs several times
/// as much.
struct RowArrayWriter {
  private(set) var bytes: [UInt8]
  private var position = 0

  /// The size of the header of a one-dimensional array.
  static let arrayHeader = 20

  /// Creates a writer that fills `size` bytes.
  init(size: Int) { bytes = [UInt8](repeating: 0, count: size) }

  /// Writes the header of an array: dimensions, whether there are NULLs, element type, and length and lower bound of the
  /// dimension unless the array is empty.
  mutating func arrayHeader(of type: UInt32, count: Int, hasNull: Bool) {
    integer(UInt32(count == 0 ? 0 : 1))
    integer(UInt32(hasNull ? 1 : 0))
    integer(type)
    guard count > 0 else { return }
    integer(UInt32(count))
    integer(UInt32(1))
  }

  /// Writes the header of a record: its size in bytes after this word, and its number of columns.
  mutating func record(size: Int, columns: Int) {
    integer(UInt32(size))
    integer(UInt32(columns))
  }

  /// Writes the header of a record's column, whose value of `length` bytes follows.
  mutating func column(_ type: PostgresType, _ length: Int) {
    integer(type.rawValue)
    integer(UInt32(length))
  }

  /// Writes a NULL column of a record.
  mutating func null(_ type: PostgresType) {
    integer(type.rawValue)
    integer(UInt32.max)
  }

  /// Writes the columns `numbers` and `categories` of a record.
  mutating func values(_ batch: RowBatch, _ row: Int) {
    numbersColumn(batch, row)
    categoriesColumn(batch, row)
  }

  /// Writes the column `numbers` of a record.
  mutating func numbersColumn(_ batch: RowBatch, _ row: Int) {
    column(.float8Array, Self.numbersSize(batch, row))
    numbers(batch, row)
  }

  /// Writes the column `categories` of a record.
  mutating func categoriesColumn(_ batch: RowBatch, _ row: Int) {
    column(.textArray, Self.categoriesSize(batch, row))
    categories(batch, row)
  }

  /// Writes the columns `numbers` and `categories` of a COPY row, each with its length.
  mutating func copyValues(_ batch: RowBatch, _ row: Int) {
    integer(UInt32(Self.numbersSize(batch, row)))
    numbers(batch, row)
    integer(UInt32(Self.categoriesSize(batch, row)))
    categories(batch, row)
  }

  /// The size of the values of those two columns in bytes, without types and lengths.
  static func valuesSize(_ batch: RowBatch, _ row: Int) -> Int {
    numbersSize(batch, row) + categoriesSize(batch, row)
  }

  /// Bytes of the value of `numbers`.
  static func numbersSize(_ batch: RowBatch, _ row: Int) -> Int {
    let slots = batch.numberSlots
    guard slots > 0 else { return 12 }
    var size = arrayHeader + 12 * slots
    for index in row * slots..<(row + 1) * slots where batch.numbers[index].isNaN { size -= 8 }
    return size
  }

  /// Bytes of the value of `categories`.
  static func categoriesSize(_ batch: RowBatch, _ row: Int) -> Int {
    let slots = batch.categorySlots
    guard slots > 0 else { return 12 }
    var size = arrayHeader + 4 * slots
    for index in row * slots..<(row + 1) * slots { size += batch.categories.range(of: index)?.count ?? 0 }
    return size
  }

  private mutating func numbers(_ batch: RowBatch, _ row: Int) {
    let range = row * batch.numberSlots..<(row + 1) * batch.numberSlots
    let hasNull = range.contains { batch.numbers[$0].isNaN }
    arrayHeader(of: PostgresType.float8.rawValue, count: range.count, hasNull: hasNull)
    for index in range {
      let number = batch.numbers[index]
      if number.isNaN {
        integer(UInt32.max)
      } else {
        integer(UInt32(8))
        integer(number.bitPattern)
      }
    }
  }

  private mutating func categories(_ batch: RowBatch, _ row: Int) {
    let range = row * batch.categorySlots..<(row + 1) * batch.categorySlots
    let hasNull = range.contains { batch.categories.range(of: $0) == nil }
    arrayHeader(of: PostgresType.text.rawValue, count: range.count, hasNull: hasNull)
    for index in range { text(batch.categories, index) }
  }

  /// Writes a string of a column with its length, or NULL.
  mutating func text(_ column: StringColumn, _ index: Int) {
    guard let range = column.range(of: index) else { return integer(UInt32.max) }
    integer(UInt32(range.count))
    for byte in range { integer(column.bytes[byte]) }
  }

  /// Writes the bytes of a string without its length.
  mutating func bytes(_ text: some Sequence<UInt8>) {
    for byte in text { integer(byte) }
  }

  /// Writes an integer in big-endian order.
  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    let offset = position
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    raw.storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    position += MemoryLayout<T>.size
  }
}
