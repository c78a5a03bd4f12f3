extension Array where Element == UInt8 {
  /// Appends an integer in network byte order.
  @inlinable mutating func appendBigEndian(_ value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
  }

  /// Overwrites an integer in network byte order, for length words that become known later.
  @inlinable mutating func setBigEndian(_ value: Int32, at offset: Int) {
    let bits = UInt32(bitPattern: value)
    self[offset] = UInt8(truncatingIfNeeded: bits >> 24)
    self[offset + 1] = UInt8(truncatingIfNeeded: bits >> 16)
    self[offset + 2] = UInt8(truncatingIfNeeded: bits >> 8)
    self[offset + 3] = UInt8(truncatingIfNeeded: bits)
  }
}

extension RawSpan {
  /// An integer in network byte order. The caller has checked the bounds; the load traps beyond them.
  @inlinable func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
    T(bigEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// The integer that fills the span.
  @inlinable func onlyInteger<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) throws -> T {
    guard byteCount == MemoryLayout<T>.size else { throw DecodingProblem.malformed }
    return bigEndian(at: 0, as: T.self)
  }
}
