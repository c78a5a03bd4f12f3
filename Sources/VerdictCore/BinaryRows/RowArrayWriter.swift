import PostgreSQL
import RowFormats

/// Writes an array of composite values in PostgreSQL's binary form. `array_send` writes dimensions, a flag for NULLs,
/// the element type, then each element with its length. `record_send` writes the number of columns, then type, length
/// and value of each.
///
/// The buffer has its final size from the start and is filled with big-endian values, since appending costs several
/// times as much.
struct RowArrayWriter {
  private(set) var bytes: [UInt8]
  private var position = 0

  /// The size in bytes of the header of a one-dimensional array.
  static let arrayHeader = 20

  /// Creates a buffer of `size` bytes, which the writes must fill exactly.
  init(size: Int) { bytes = [UInt8](repeating: 0, count: size) }

  /// Writes the header of an array.
  mutating func arrayHeader(of type: UInt32, count: Int, hasNull: Bool) {
    integer(UInt32(count == 0 ? 0 : 1))
    integer(UInt32(hasNull ? 1 : 0))
    integer(type)
    guard count > 0 else { return }
    integer(UInt32(count))
    integer(UInt32(1))
  }

  /// Writes the header of an element: `size` bytes after its length, and the number of columns.
  mutating func record(size: Int, columns: Int) {
    integer(UInt32(size))
    integer(UInt32(columns))
  }

  /// Writes the header of a column, which the value must follow.
  mutating func column(_ type: PostgresType, _ length: Int) {
    integer(type.rawValue)
    integer(UInt32(length))
  }

  /// Writes a NULL column.
  mutating func null(_ type: PostgresType) {
    integer(type.rawValue)
    integer(UInt32.max)
  }

  /// Writes the columns `numbers` and `categories` of a row.
  mutating func values(_ batch: RowBatch, _ row: Int) {
    numbersColumn(batch, row)
    categoriesColumn(batch, row)
  }

  /// Writes the column `numbers` of a row.
  mutating func numbersColumn(_ batch: RowBatch, _ row: Int) {
    column(.float8Array, Self.numbersSize(batch, row))
    numbers(batch, row * batch.numberSlots..<(row + 1) * batch.numberSlots)
  }

  /// Writes the column `categories` of a row.
  mutating func categoriesColumn(_ batch: RowBatch, _ row: Int) {
    column(.textArray, Self.categoriesSize(batch, row))
    categories(batch, row * batch.categorySlots..<(row + 1) * batch.categorySlots)
  }

  /// The size in bytes of the values of those two columns.
  static func valuesSize(_ batch: RowBatch, _ row: Int) -> Int {
    numbersSize(batch, row) + categoriesSize(batch, row)
  }

  /// The size in bytes of the value of `numbers`.
  static func numbersSize(_ batch: RowBatch, _ row: Int) -> Int {
    let slots = batch.numberSlots
    guard slots > 0 else { return 12 }
    var size = arrayHeader + 12 * slots
    for index in row * slots..<(row + 1) * slots where batch.numbers[index].isNaN { size -= 8 }
    return size
  }

  /// The size in bytes of the value of `categories`.
  static func categoriesSize(_ batch: RowBatch, _ row: Int) -> Int {
    let slots = batch.categorySlots
    guard slots > 0 else { return 12 }
    var size = arrayHeader + 4 * slots
    for index in row * slots..<(row + 1) * slots { size += batch.categories.range(of: index)?.count ?? 0 }
    return size
  }

  private mutating func numbers(_ batch: RowBatch, _ range: Range<Int>) {
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

  private mutating func categories(_ batch: RowBatch, _ range: Range<Int>) {
    let hasNull = range.contains { batch.categories.range(of: $0) == nil }
    arrayHeader(of: PostgresType.text.rawValue, count: range.count, hasNull: hasNull)
    for index in range {
      guard let place = batch.categories.range(of: index) else {
        integer(UInt32.max)
        continue
      }
      integer(UInt32(place.count))
      for byte in place { integer(batch.categories.bytes[byte]) }
    }
  }

  /// Writes an integer in big-endian order.
  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    let place = position
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    raw.storeBytes(of: value.bigEndian, toByteOffset: place, as: T.self)
    position += MemoryLayout<T>.size
  }
}
