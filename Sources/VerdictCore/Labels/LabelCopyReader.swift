import PostgreSQL
import RowFormats

/// Iterates over the rows of `COPY (SELECT label, numbers, categories, key …) TO STDOUT (FORMAT binary)` without
/// copying their values, so that an export creates no Swift value per row.
struct LabelCopyReader {
  private var bytes: [UInt8] = []
  private var position = 0
  private var hasHeader = false
  /// Whether the trailer has been read.
  private(set) var isFinished = false

  // The current row: the offset of each number (-1 if missing) and the ranges of the texts.
  private(set) var outcome: UInt8 = 0
  private var numbers: [Int] = []
  private var categories: [Range<Int>?] = []
  private var keyRange: Range<Int>?

  /// Takes the next chunk, which must consist of whole rows.
  mutating func feed(_ chunk: [UInt8]) throws {
    guard position == bytes.count else { throw Self.malformed }
    bytes = chunk
    position = 0
    guard !hasHeader else { return }
    // Signature, flags, and a header extension with its length (manual, COPY, “Binary Format”).
    try require(LabelCopy.header.count)
    position = 15
    let more = Int(try word())
    try require(more)
    position += more
    hasHeader = true
  }

  /// Advances to the next row. Returns false at the end of the chunk or of the data.
  mutating func nextRow() throws -> Bool {
    guard position < bytes.count, !isFinished else { return false }
    try require(2)
    let columns = UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1])
    position += 2
    guard columns != 0xFFFF else {
      isFinished = true
      return false
    }
    guard columns == 4, try word() == 1 else { throw Self.malformed }
    try require(1)
    outcome = bytes[position]
    position += 1
    try readNumbers()
    try readCategories()
    let length = try word()
    keyRange = length < 0 ? nil : try range(length)
    return true
  }

  private mutating func readNumbers() throws {
    numbers.removeAll(keepingCapacity: true)
    for _ in 0..<(try arrayCount()) {
      let length = try word()
      guard length >= 0 else {
        numbers.append(-1)
        continue
      }
      guard length == 8 else { throw Self.malformed }
      numbers.append(try range(length).lowerBound)
    }
  }

  private mutating func readCategories() throws {
    categories.removeAll(keepingCapacity: true)
    for _ in 0..<(try arrayCount()) {
      let length = try word()
      categories.append(length < 0 ? nil : try range(length))
    }
  }

  /// Reads an array's length and header in the form of `array_send` and returns its number of elements.
  private mutating func arrayCount() throws -> Int32 {
    guard try word() >= 12 else { throw Self.malformed }
    let dimensions = try word()
    try require(8)
    position += 8
    guard dimensions > 0 else { return 0 }
    let count = try word()
    // The lower bound.
    _ = try word()
    guard dimensions == 1, count >= 0 else { throw Self.malformed }
    return count
  }

  private mutating func word() throws -> Int32 {
    try require(4)
    let word = bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Int32.self)
    position += 4
    return Int32(bigEndian: word)
  }

  private mutating func range(_ length: Int32) throws -> Range<Int> {
    try require(Int(length))
    defer { position += Int(length) }
    return position..<position + Int(length)
  }

  private func require(_ count: Int) throws {
    guard count >= 0, bytes.count - position >= count else { throw Self.malformed }
  }

  private static var malformed: PostgreSQLError {
    PostgreSQLError(.protocolViolation, "this is no binary COPY of labels")
  }
}

extension LabelCopyReader: WritableRow {
  func number(_ slot: Int) -> Double? {
    guard slot < numbers.count, numbers[slot] >= 0 else { return nil }
    // In bounds: `readNumbers` has checked all eight bytes.
    let bits = bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: numbers[slot], as: UInt64.self)
    return Double(bitPattern: UInt64(bigEndian: bits))
  }

  func category(_ slot: Int) -> ArraySlice<UInt8>? {
    guard slot < categories.count, let range = categories[slot] else { return nil }
    return bytes[range]
  }

  var keyText: ArraySlice<UInt8>? { keyRange.map { bytes[$0] } }
}
