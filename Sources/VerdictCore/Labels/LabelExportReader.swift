import PostgreSQL
import RowFormats

/// Reads the rows of `COPY (SELECT label, numbers, categories, key, …) TO STDOUT (FORMAT binary)` for ``RowWriter``, where the columns of
/// ``AttributeColumn`` follow.
///
/// The values of the current row stay in the COPY data and are decoded when they are written, so that a row needs no
/// allocation.
struct LabelExportReader {
  private var reader = BinaryCopyReader()
  private(set) var outcome: UInt8 = 0
  /// The offsets of the numbers in the data; -1 for a missing one.
  private var numbers: [Int] = []
  private var categories: [Range<Int>?] = []
  private var key: Range<Int>?
  private var group: Range<Int>?
  private var reference: Range<Int>?
  private(set) var time: Int64?
  private(set) var weight: Double?
  private(set) var split: RowSplit?

  /// Appends a chunk. The current row is invalid after that.
  mutating func feed(_ chunk: [UInt8]) { reader.feed(chunk) }

  /// Advances to the next complete row. Returns `false` if more data is needed, and at the end.
  mutating func nextRow() throws -> Bool {
    guard try reader.nextRow() else { return false }
    outcome = try reader.decode(0, as: Bool.self) ? 1 : 0
    numbers.removeAll(keepingCapacity: true)
    _ = try reader.forEachElementRange(1, of: .float8) { range in
      guard range == nil || range?.count == 8 else {
        throw PostgreSQLError(.decoding, "a double has 8 bytes")
      }
      numbers.append(range?.lowerBound ?? -1)
    }
    categories.removeAll(keepingCapacity: true)
    _ = try reader.forEachElementRange(2, of: .text) { categories.append($0) }
    key = try reader.fieldRange(3)
    for (index, column) in AttributeColumn.allCases.enumerated() {
      let field = 4 + index
      switch column {
      case .occurredAt:
        // The integer itself: a date is exact to a microsecond for some hundred years only.
        time = try reader.decode(field, as: Int?.self).map { Int64($0) + AttributeColumn.epoch }
      case .group: group = try reader.fieldRange(field)
      case .reference: reference = try reader.fieldRange(field)
      case .weight: weight = try reader.decode(field, as: Double?.self)
      case .split: split = try reader.decode(field, as: String?.self).flatMap(RowSplit.init(rawValue:))
      }
    }
    return true
  }

  /// Throws if the data ended before its trailer.
  func checkFinished() throws { try reader.checkFinished() }
}

extension LabelExportReader: WritableRow {
  func number(_ slot: Int) -> Double? {
    guard slot < numbers.count, numbers[slot] >= 0 else { return nil }
    // Sound: `nextRow` has checked that the eight bytes are within the data.
    let bits = reader.data.span.bytes.unsafeLoadUnaligned(fromByteOffset: numbers[slot], as: UInt64.self)
    return Double(bitPattern: UInt64(bigEndian: bits))
  }

  func category(_ slot: Int) -> ArraySlice<UInt8>? {
    guard slot < categories.count, let range = categories[slot] else { return nil }
    return reader.data[range]
  }

  var keyText: ArraySlice<UInt8>? { key.map { reader.data[$0] } }
  var groupText: ArraySlice<UInt8>? { group.map { reader.data[$0] } }
  var referenceText: ArraySlice<UInt8>? { reference.map { reader.data[$0] } }
}
