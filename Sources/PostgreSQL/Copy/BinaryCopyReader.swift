#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Parses the data of a COPY … TO STDOUT (FORMAT binary) from chunks of any size.
///
/// ```
/// reader.feed(chunk)
/// while try reader.nextRow() { let id = try reader.decode(0, as: Int.self, type: .int8) }
/// ```
public struct BinaryCopyReader: Sendable {
  @usableFromInline var bytes: [UInt8] = []
  /// The offset of the next unread byte.
  @usableFromInline var position = 0
  /// Offset and length of each field of the current row; length -1 is NULL.
  @usableFromInline var fields: [(offset: Int, length: Int)] = []
  private var hasHeader = false
  /// Whether the trailer has been read.
  public private(set) var isFinished = false

  /// Creates a reader that expects the header.
  public init() {}

  /// Appends a chunk. This invalidates the fields of the current row.
  public mutating func feed(_ chunk: Data) {
    compact()
    bytes.append(contentsOf: chunk)
  }

  /// Appends a chunk. This invalidates the fields of the current row.
  public mutating func feed(_ chunk: [UInt8]) {
    // A chunk that follows whole rows is adopted without a copy.
    guard position == bytes.count else {
      compact()
      return bytes.append(contentsOf: chunk)
    }
    fields.removeAll(keepingCapacity: true)
    bytes = chunk
    position = 0
  }

  private mutating func compact() {
    fields.removeAll(keepingCapacity: true)
    if position == bytes.count {
      bytes.removeAll(keepingCapacity: true)
    } else if position > 0 {
      bytes.removeFirst(position)
    }
    position = 0
  }

  /// Advances to the next complete row. Returns false if more data is needed, or at the end.
  ///
  /// - Throws: ``PostgreSQLError`` of kind `protocolViolation` if the data is malformed.
  public mutating func nextRow() throws -> Bool {
    if !hasHeader, try !readHeader() { return false }
    if isFinished { return false }
    fields.removeAll(keepingCapacity: true)
    guard bytes.count - position >= 2 else { return false }
    let count = Int(bytes.span.bytes.bigEndian(at: position, as: Int16.self))
    if count == -1 {
      position += 2
      isFinished = true
      return false
    }
    guard count >= 0 else { throw Self.malformed }
    var offset = position + 2
    for _ in 0..<count {
      guard bytes.count - offset >= 4 else { return incomplete() }
      let length = Int(bytes.span.bytes.bigEndian(at: offset, as: Int32.self))
      offset += 4
      guard length >= -1 else { throw Self.malformed }
      guard bytes.count - offset >= length else { return incomplete() }
      fields.append((offset, length))
      offset += max(0, length)
    }
    position = offset
    return true
  }

  /// Throws if the data ends before its trailer.
  public func checkFinished() throws {
    if !isFinished { throw PostgreSQLError(.protocolViolation, "the COPY data ends without its trailer") }
  }

  private mutating func incomplete() -> Bool {
    fields.removeAll(keepingCapacity: true)
    return false
  }

  private mutating func readHeader() throws -> Bool {
    let fixed = BinaryCopyWriter.header.count
    guard bytes.count >= fixed else { return false }
    guard bytes.prefix(11) == BinaryCopyWriter.header.prefix(11) else { throw Self.malformed }
    let extra = Int(bytes.span.bytes.bigEndian(at: 15, as: Int32.self))
    guard extra >= 0 else { throw Self.malformed }
    guard bytes.count >= fixed + extra else { return false }
    position = fixed + extra
    hasHeader = true
    return true
  }

  private static var malformed: PostgreSQLError {
    PostgreSQLError(.protocolViolation, "the data is not in binary COPY format")
  }
}
