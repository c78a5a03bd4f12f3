public import Foundation

extension UUID {
  /// A UUID of version 7 (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, then random bits, so that
  /// new rows go to the right-hand end of an index.
  public static func version7(at date: Date = Date()) -> UUID {
    let milliseconds = UInt64(max(0, date.timeIntervalSince1970 * 1_000))
    var generator = SystemRandomNumberGenerator()
    let high = generator.next()
    let low = generator.next()
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
}
