/// The form of a number's text, in the grammar of numbers in CSV: `+1`, `.5`, `5.` and `007` are numbers beside those of JSON.
struct NumberSyntax {
  /// Whether the text has neither a fraction nor an exponent.
  private(set) var isWhole = true
  /// Whether a digit follows a zero at the start.
  private(set) var hasLeadingZero = false

  /// Reads a text; `nil` if it is no number.
  init?(_ text: String) {
    var rest = text.utf8[...]
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
      rest = rest.dropFirst()
    }
    let whole = rest.prefix { Self.isDigit($0) }
    rest = rest[whole.endIndex...]
    hasLeadingZero = whole.count > 1 && whole.first == UInt8(ascii: "0")
    var digits = whole.count
    if rest.first == UInt8(ascii: ".") {
      isWhole = false
      let fraction = rest.dropFirst().prefix { Self.isDigit($0) }
      digits += fraction.count
      rest = rest[fraction.endIndex...]
    }
    guard digits > 0 else { return nil }
    if let letter = rest.first, letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E") {
      isWhole = false
      rest = rest.dropFirst()
      if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
        rest = rest.dropFirst()
      }
      let exponent = rest.prefix { Self.isDigit($0) }
      guard !exponent.isEmpty else { return nil }
      rest = rest[exponent.endIndex...]
    }
    guard rest.isEmpty else { return nil }
  }

  /// A text with at most one comma and no point, with a point instead of the comma; `nil` for other texts.
  static func withDecimalPoint(_ text: String) -> String? {
    guard !text.utf8.contains(UInt8(ascii: ".")), text.utf8.count(where: { $0 == UInt8(ascii: ",") }) <= 1
    else { return nil }
    return text.replacing(",", with: ".")
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
