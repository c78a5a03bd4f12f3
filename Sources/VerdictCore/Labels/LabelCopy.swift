import RowFormats

/// Rows in PostgreSQL's binary COPY format (manual, COPY, “Binary Format”) for the staging table of ``LabelIngest``:
/// position, label, numbers, categories, key.
enum LabelCopy {
  /// Signature, flags and an empty header extension.
  static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [0, 0, 0, 0, 0, 0, 0, 0]
  /// The field count −1 that ends the data.
  static let trailer: [UInt8] = [0xFF, 0xFF]

  /// The element types of the arrays, by their OIDs.
  private enum ElementType: UInt32 {
    case text = 25
    case float8 = 701
  }

  /// Encodes the rows of a batch from `first` on, until about `size` bytes are reached.
  ///
  /// - Parameter before: the number of rows of the request before this batch.
  /// - Returns: the bytes, and the index of the first row that they do not contain.
  static func encode(
    _ batch: RowBatch, before: Int, from first: Int, size: Int
  ) -> (bytes: [UInt8], next: Int) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size + 4_096)
    var row = first
    while row < batch.count, bytes.count < size {
      append(batch, row, position: before + row, to: &bytes)
      row += 1
    }
    return (bytes, row)
  }

  private static func append(_ batch: RowBatch, _ row: Int, position: Int, to bytes: inout [UInt8]) {
    bytes.appendBigEndian(UInt16(5))
    bytes.appendBigEndian(UInt32(8))
    bytes.appendBigEndian(UInt64(position))
    bytes.appendBigEndian(UInt32(1))
    bytes.append(batch.outcomes[row])
    appendValues(batch, row, to: &bytes)
    if let keys = batch.keys, let range = keys.range(of: row) {
      bytes.appendBigEndian(UInt32(range.count))
      bytes.append(contentsOf: keys.bytes[range])
    } else {
      bytes.appendBigEndian(UInt32.max)
    }
  }

  /// The two arrays of a row's values, each with its length.
  private static func appendValues(_ batch: RowBatch, _ row: Int, to bytes: inout [UInt8]) {
    let numbers = row * batch.numberSlots..<(row + 1) * batch.numberSlots
    appendArray(.float8, numbers, to: &bytes) { index, bytes in
      let number = batch.numbers[index]
      guard !number.isNaN else { return false }
      bytes.appendBigEndian(UInt32(8))
      bytes.appendBigEndian(number.bitPattern)
      return true
    }
    let categories = row * batch.categorySlots..<(row + 1) * batch.categorySlots
    appendArray(.text, categories, to: &bytes) { index, bytes in
      guard let range = batch.categories.range(of: index) else { return false }
      bytes.appendBigEndian(UInt32(range.count))
      bytes.append(contentsOf: batch.categories.bytes[range])
      return true
    }
  }

  /// Appends an array in the form of `array_send`: dimensions, a flag for NULLs, element type, then each element with
  /// its length.
  ///
  /// - Parameter append: appends an element with its length, or returns false for a NULL.
  private static func appendArray(
    _ type: ElementType, _ elements: Range<Int>, to bytes: inout [UInt8],
    _ append: (Int, inout [UInt8]) -> Bool
  ) {
    let start = bytes.count
    bytes.appendBigEndian(UInt32(0))
    bytes.appendBigEndian(UInt32(elements.isEmpty ? 0 : 1))
    bytes.appendBigEndian(UInt32(0))
    bytes.appendBigEndian(type.rawValue)
    if !elements.isEmpty {
      bytes.appendBigEndian(UInt32(elements.count))
      bytes.appendBigEndian(UInt32(1))
    }
    var hasNull = false
    for index in elements where !append(index, &bytes) {
      bytes.appendBigEndian(UInt32.max)
      hasNull = true
    }
    bytes.replaceBigEndian(UInt32(bytes.count - start - 4), at: start)
    if hasNull { bytes.replaceBigEndian(UInt32(1), at: start + 8) }
  }
}

extension [UInt8] {
  mutating func appendBigEndian<T: FixedWidthInteger>(_ value: T) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  fileprivate mutating func replaceBigEndian(_ value: UInt32, at offset: Int) {
    for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * (3 - index))) }
  }
}
