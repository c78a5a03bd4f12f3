#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Parses the data of a COPY … TO STDOUT (FORMAT binary), in chunks that are split anywhere.
///
/// ```
/// reader.feed(chunk)
/// while try reader.nextRow() { let id = try reader.decode(0, as: Int.self, type: .int8) }
/// ```
public struct BinaryCopyReader: Sendable {
  @usableFromInline var bytes: [UInt8] = []
  /// Where the next unread byte stands.
  @usableFromInline var position = 0
  /// Start and length of each field of the current row; -1 as length is NULL.
  @usableFromInline var fields: [(offset: Int, length: Int)] = []
  private var hasHeader = false
  /// True once the trailer has been read.
  public private(set) var isFinished = false

  /// Expects a header.
  public init() {}

  /// Appends a chunk. The fields of the current row are gone after that.
  public mutating func feed(_ chunk: Data) {
    compact()
    bytes.append(contentsOf: chunk)
  }

  /// Appends a chunk. The fields of the current row are gone after that.
  public mutating func feed(_ chunk: [UInt8]) {
    compact()
    if bytes.isEmpty { bytes = chunk } else { bytes.append(contentsOf: chunk) }
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

  /// Goes to the next complete row. False if more data is needed, or at the end.
  ///
  /// Throws a ``PostgreSQLError`` of kind `protocolViolation` if the data is not in that format.
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

  /// Throws if the data ended in the middle.
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
    PostgreSQLError(.protocolViolation, "this is no binary COPY data")
  }
}
