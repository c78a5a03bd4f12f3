#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// Builds the data of a COPY … FROM STDIN (FORMAT binary): a header, rows of fields, a trailer (manual, COPY,
/// "Binary Format").
///
/// Fields must be exactly of the table's column types (an int4 column takes Int32, not Int).
/// Take the bytes out with ``take()`` whenever ``count`` is large enough to be sent.
public struct BinaryCopyWriter: Sendable {
  /// What has been built since the last ``take()``.
  @usableFromInline var bytes: [UInt8] = []

  /// Starts with the header.
  public init(capacity: Int = 128 * 1024) {
    bytes.reserveCapacity(capacity)
    bytes.append(contentsOf: Self.header)
  }

  /// Signature, flags, length of the header extension.
  static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0]

  /// The number of bytes that wait for ``take()``.
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

  /// Appends a field that is in its binary form already.
  @inlinable public mutating func append(encoded: some Collection<UInt8>) {
    bytes.appendBigEndian(Int32(encoded.count))
    bytes.append(contentsOf: encoded)
  }

  /// Appends the trailer; nothing may follow.
  public mutating func finish() { bytes.appendBigEndian(Int16(-1)) }

  /// Hands out what has been built and goes on with an empty buffer.
  public mutating func take() -> [UInt8] {
    let taken = bytes
    bytes = []
    bytes.reserveCapacity(taken.count + 4096)
    return taken
  }

  /// ``take()`` as Data.
  public mutating func takeData() -> Data { Data(take()) }
}
