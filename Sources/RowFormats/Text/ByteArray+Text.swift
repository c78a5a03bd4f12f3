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

  /// Appends a time in UTC as RFC 3339 writes it, with a fraction only if there is one.
  ///
  /// - Parameter time: the microseconds since 1970-01-01 00:00:00 UTC, in the years 1 to 9999.
  public mutating func append(time: Int64) {
    let (days, clock) = (time.floored(by: 86_400_000_000), time.remainder(by: 86_400_000_000))
    let (year, month, day) = Self.civil(days)
    let seconds = clock / 1_000_000
    append(digits: year, 4)
    append(UInt8(ascii: "-"))
    append(digits: month, 2)
    append(UInt8(ascii: "-"))
    append(digits: day, 2)
    append(UInt8(ascii: "T"))
    append(digits: seconds / 3_600, 2)
    append(UInt8(ascii: ":"))
    append(digits: seconds / 60 % 60, 2)
    append(UInt8(ascii: ":"))
    append(digits: seconds % 60, 2)
    let micros = clock % 1_000_000
    if micros != 0 {
      append(UInt8(ascii: "."))
      // Milliseconds are the usual precision.
      if micros % 1_000 == 0 { append(digits: micros / 1_000, 3) } else { append(digits: micros, 6) }
    }
    append(UInt8(ascii: "Z"))
  }

  private mutating func append(digits value: Int64, _ count: Int) {
    var unit: Int64 = 1
    for _ in 1..<count { unit *= 10 }
    while unit > 0 {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / unit % 10))
      unit /= 10
    }
  }

  /// The date of a day of the Gregorian calendar, which is extended to all years, by its number from 1970-01-01 (Hinnant,
  /// “chrono-Compatible Low-Level Date Algorithms”, civil_from_days).
  private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = shifted.floored(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
      yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
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

extension Int64 {
  /// The quotient rounded down.
  fileprivate func floored(by divisor: Int64) -> Int64 { (self - remainder(by: divisor)) / divisor }

  /// The remainder that is never negative.
  fileprivate func remainder(by divisor: Int64) -> Int64 {
    let rest = self % divisor
    return rest < 0 ? rest + divisor : rest
  }
}
