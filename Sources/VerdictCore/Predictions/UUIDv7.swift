package import Foundation

extension UUID {
  /// The smallest UUID of version 7 of a time, a lower bound of all later ids.
  static func lowest(at date: Date) -> UUID {
    let milliseconds = UInt64(max(0, date.timeIntervalSince1970 * 1_000))
    func byte(_ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: milliseconds >> (8 * index)) }
    return UUID(
      uuid: (byte(5), byte(4), byte(3), byte(2), byte(1), byte(0), 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0))
  }

  /// A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, then random bits, so that
  /// new rows extend an index at its right-hand end.
  package static func version7(at date: Date = Date()) -> UUID {
    let milliseconds = UInt64(max(0, date.timeIntervalSince1970 * 1_000))
    let (high, low) = EntropyBuffer.pair()
    func byte(_ value: UInt64, _ index: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: value >> (8 * index)) }
    return UUID(
      uuid: (
        byte(milliseconds, 5), byte(milliseconds, 4), byte(milliseconds, 3), byte(milliseconds, 2),
        byte(milliseconds, 1), byte(milliseconds, 0),
        byte(high, 0) & 0x0F | 0x70, byte(high, 1),
        byte(low, 0) & 0x3F | 0x80, byte(low, 1), byte(low, 2), byte(low, 3), byte(low, 4), byte(low, 5),
        byte(low, 6), byte(low, 7)
      ))
  }

  /// Ids for rows that belong together, in the order of the rows: the second half of each is the one before plus one
  /// (RFC 9562, section 6.2, method 2).
  static func version7(count: Int) -> [UUID] {
    guard count > 1 else { return count == 1 ? [.version7()] : [] }
    let first = UUID.version7()
    var low = withUnsafeBytes(of: first.uuid) {
      $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
    }
    // A cleared high bit leaves room to count within the 62 free bits.
    low &= ~0x2000_0000_0000_0000
    return (0..<count).map { index in
      var uuid = first.uuid
      withUnsafeMutableBytes(of: &uuid) {
        $0.storeBytes(of: (low + UInt64(index)).bigEndian, toByteOffset: 8, as: UInt64.self)
      }
      return UUID(uuid: uuid)
    }
  }
}
