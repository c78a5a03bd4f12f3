/// Lower-case hexadecimal text.
public enum Hexadecimal {
  private static let digits: StaticString = "0123456789abcdef"

  /// The two digits of a byte.
  public static func digits(of byte: UInt8) -> (UInt8, UInt8) {
    // Sound: the constant has sixteen bytes, and half a byte is below sixteen.
    (digits.utf8Start[Int(byte >> 4)], digits.utf8Start[Int(byte & 15)])
  }

  /// The digits of a sequence of bytes, in their order.
  public static func text(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(2 * bytes.underestimatedCount)
    for byte in bytes {
      let (high, low) = digits(of: byte)
      text.append(high)
      text.append(low)
    }
    return String(decoding: text, as: UTF8.self)
  }
}
