import CSimdJSON

#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

/// The text forms of single values, appended to UTF-8 bytes: all writers of JSON and CSV build on these.
extension [UInt8] {
  /// Appends the shortest JSON number that reads back as the same double. Whole numbers have no fraction.
  ///
  /// - Parameter number: must be finite, since JSON has no form for NaN and infinities.
  public mutating func append(number: Double) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { buffer in
      guard let base = buffer.baseAddress else { return }
      append(contentsOf: UnsafeRawBufferPointer(start: base, count: vj_format_number(number, base)))
    }
  }

  /// Appends UTF-8 as a JSON string in quotes, with the escapes that RFC 8259, section 7, requires and no others.
  @inlinable
  public mutating func append(jsonString utf8: some Sequence<UInt8>) {
    append(UInt8(ascii: "\""))
    for byte in utf8 {
      if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
        append(byte)
      } else {
        append(jsonEscapeOf: byte)
      }
    }
    append(UInt8(ascii: "\""))
  }

  @usableFromInline
  mutating func append(jsonEscapeOf byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append(contentsOf: #"\""#.utf8)
    case UInt8(ascii: "\\"): append(contentsOf: #"\\"#.utf8)
    case UInt8(ascii: "\n"): append(contentsOf: #"\n"#.utf8)
    case UInt8(ascii: "\r"): append(contentsOf: #"\r"#.utf8)
    case UInt8(ascii: "\t"): append(contentsOf: #"\t"#.utf8)
    default:
      append(contentsOf: #"\u00"#.utf8)
      append(hexDigitOf: byte >> 4)
      append(hexDigitOf: byte & 15)
    }
  }

  /// Appends UTF-8 as a CSV field (RFC 4180).
  ///
  /// - Parameter alwaysQuoted: encloses every field in quotes. Otherwise only an empty field and one with a quote, a
  ///   comma, a line break or a leading U+FEFF are quoted; readers take an unquoted U+FEFF at the start of a file for a
  ///   byte order mark, and an unquoted empty field for a missing value.
  @inlinable
  public mutating func append(csvField utf8: some Collection<UInt8>, alwaysQuoted: Bool = false) {
    let needsQuotes =
      alwaysQuoted || utf8.isEmpty || utf8.starts(with: [0xEF, 0xBB, 0xBF])
      || utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
    guard needsQuotes else {
      append(contentsOf: utf8)
      return
    }
    append(UInt8(ascii: "\""))
    for byte in utf8 {
      if byte == UInt8(ascii: "\"") { append(byte) }
      append(byte)
    }
    append(UInt8(ascii: "\""))
  }

  /// Appends a UUID in lower case (RFC 9562, section 4).
  public mutating func append(uuid: UUID) {
    Swift.withUnsafeBytes(of: uuid.uuid) { source in
      for (index, byte) in source.enumerated() {
        if index == 4 || index == 6 || index == 8 || index == 10 { append(UInt8(ascii: "-")) }
        append(hexDigitOf: byte >> 4)
        append(hexDigitOf: byte & 15)
      }
    }
  }

  private mutating func append(hexDigitOf nibble: UInt8) {
    append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble)
  }
}

/// The double nearest to a JSON number (RFC 8259, section 6), correctly rounded; `nil` for other text and for numbers
/// beyond the range of a double.
func parseNumber(_ text: String) -> Double? {
  var text = text
  return text.withUTF8 { utf8 in
    var value = 0.0
    return vj_parse_number(utf8.baseAddress, utf8.count, &value) ? value : nil
  }
}
