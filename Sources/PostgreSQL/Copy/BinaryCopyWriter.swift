#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Builds the data of a COPY … FROM STDIN (FORMAT binary): a header, rows of fields, and a trailer (manual, COPY, "Binary
/// Format").
///
/// Fields must have exactly the types of the table's columns: an int4 column takes Int32, not Int. The caller takes the bytes
/// with ``take()`` whenever ``count`` is large enough for a write.
public struct BinaryCopyWriter: Sendable {
  /// The data since the last ``take()``.
  @usableFromInline var bytes: [UInt8] = []

  /// Creates a writer whose data begins with the header.
  public init(capacity: Int = 128 * 1024) {
    bytes.reserveCapacity(capacity)
    bytes.append(contentsOf: Self.header)
  }

  /// Signature, flags, and length of the header extension.
  public static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0]

  /// The column count −1 that ends the data.
  public static let trailer: [UInt8] = [0xff, 0xff]

  /// The number of bytes since the last ``take()``.
  @inlinable public var count: Int { bytes.count }

  /// Starts a row; exactly this many fields must follow.
  @inlinable public mutating func startRow(columns: Int) { bytes.appendBigEndian(Int16(columns)) }

  /// Appends a NULL field.
  @inlinable public mutating func appendNull() { bytes.appendBigEndian(Int32(-1)) }

  /// Appends a field.
  @inlinable public mutating func append<T: PostgresEncodable>(_ value: T) {
    if value.isPostgresNull { return appendNull() }
    let word = bytes.count
    bytes.appendBigEndian(Int32(0))
    value.encode(into: &bytes)
    bytes.setBigEndian(Int32(bytes.count - word - 4), at: word)
  }

  /// Appends a field that is in binary form already.
  @inlinable public mutating func append(encoded: some Collection<UInt8>) {
    bytes.appendBigEndian(Int32(encoded.count))
    bytes.append(contentsOf: encoded)
  }

  /// Appends the trailer; nothing may follow.
  public mutating func finish() { bytes.append(contentsOf: Self.trailer) }

  /// Returns the data since the last call and clears the buffer.
  public mutating func take() -> [UInt8] {
    let taken = bytes
    bytes = []
    bytes.reserveCapacity(taken.count + 4096)
    return taken
  }

  /// ``take()`` as Data.
  public mutating func takeData() -> Data { Data(take()) }
}
