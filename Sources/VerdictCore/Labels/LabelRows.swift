import PostgreSQL

/// Rows without keys as a `label_row[]` in its binary form: what `array_send` writes (dimensions, whether there are NULLs,
/// element type, then each element with its length) of what `record_send` writes (the columns' number, then type, length
/// and value of each).
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
    var total = Self.arrayHeader
    repeat {
      total += 4 + Self.size(batch, end)
      end += 1
    } while end < batch.count && total < size
    count = end - first
    var writer = Writer(bytes: [UInt8](repeating: 0, count: total))
    writer.arrayHeader(of: type, count: end - first, hasNull: false)
    for row in first..<end { writer.row(batch, row) }
    bytes = writer.bytes
  }

  func encode(into bytes: inout [UInt8]) { bytes.append(contentsOf: self.bytes) }

  private static let arrayHeader = 20

  /// Bytes of a row without its length.
  fileprivate static func size(_ batch: RowBatch, _ row: Int) -> Int {
    // The number of columns, their types and lengths, and the label.
    4 + 3 * 8 + 1 + numbersSize(batch, row) + categoriesSize(batch, row)
  }

  fileprivate static func numbersSize(_ batch: RowBatch, _ row: Int) -> Int {
    let slots = batch.numberSlots
    guard slots > 0 else { return 12 }
    var size = arrayHeader + 12 * slots
    for index in row * slots..<(row + 1) * slots where batch.numbers[index].isNaN { size -= 8 }
    return size
  }

  fileprivate static func categoriesSize(_ batch: RowBatch, _ row: Int) -> Int {
    let slots = batch.categorySlots
    guard slots > 0 else { return 12 }
    var size = arrayHeader + 4 * slots
    for index in row * slots..<(row + 1) * slots { size += batch.categories.range(of: index)?.count ?? 0 }
    return size
  }
}

/// Fills bytes with big-endian values one after the other: appending them costs several times as much.
private struct Writer {
  private(set) var bytes: [UInt8]
  private var position = 0

  init(bytes: consuming [UInt8]) { self.bytes = bytes }

  mutating func row(_ batch: RowBatch, _ row: Int) {
    integer(UInt32(LabelRows.size(batch, row)))
    integer(UInt32(3))
    column(.bool, 1)
    integer(batch.outcomes[row])
    column(.float8Array, LabelRows.numbersSize(batch, row))
    numbers(batch, row * batch.numberSlots..<(row + 1) * batch.numberSlots)
    column(.textArray, LabelRows.categoriesSize(batch, row))
    categories(batch, row * batch.categorySlots..<(row + 1) * batch.categorySlots)
  }

  mutating func arrayHeader(of type: UInt32, count: Int, hasNull: Bool) {
    integer(UInt32(count == 0 ? 0 : 1))
    integer(UInt32(hasNull ? 1 : 0))
    integer(type)
    guard count > 0 else { return }
    integer(UInt32(count))
    integer(UInt32(1))
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

  private mutating func column(_ type: PostgresType, _ length: Int) {
    integer(type.rawValue)
    integer(UInt32(length))
  }

  private mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    let place = position
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    raw.storeBytes(of: value.bigEndian, toByteOffset: place, as: T.self)
    position += MemoryLayout<T>.size
  }
}
