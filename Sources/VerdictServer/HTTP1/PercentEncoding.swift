/// Percent-encoding of octets (RFC 3986, section 2.1).
enum PercentEncoding {
  /// Whether a character is unreserved: a letter, a digit, `-`, `.`, `_` or `~` (section 2.3).
  static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "~"):
      true
    default: false
    }
  }

  /// The octet that the text begins with, `%` and two hexadecimal digits; `nil` for another beginning.
  static func byte(_ text: some Collection<UInt8>) -> UInt8? {
    var digits = text.prefix(3).makeIterator()
    guard digits.next() == UInt8(ascii: "%"), let high = digits.next().flatMap(value),
      let low = digits.next().flatMap(value)
    else { return nil }
    return high << 4 | low
  }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x41 + 10
    case 0x61...0x66: digit - 0x61 + 10
    default: nil
    }
  }
}
