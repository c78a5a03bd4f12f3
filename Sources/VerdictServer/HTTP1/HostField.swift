/// The value of a Host field: `uri-host [ ":" port ]` (RFC 9110, section 7.2; RFC 3986, section 3.2.2).
enum HostField {
  /// Whether a value is valid. An empty host is: some requests have no authority.
  static func isValid(_ value: String) -> Bool {
    var rest = value.utf8[...]
    if rest.first == UInt8(ascii: "[") {
      guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
      let address = rest[..<end].dropFirst()
      guard !address.isEmpty, address.allSatisfy({ isName($0) || $0 == UInt8(ascii: ":") }) else {
        return false
      }
      rest = rest[end...].dropFirst()
    } else {
      let name = rest.prefix { $0 != UInt8(ascii: ":") }
      guard isRegisteredName(name) else { return false }
      rest = rest[name.endIndex...]
    }
    guard let colon = rest.first else { return true }
    return colon == UInt8(ascii: ":") && rest.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
  }

  /// Whether all characters are unreserved, sub-delimiters or percent-encoded.
  private static func isRegisteredName(_ name: Substring.UTF8View) -> Bool {
    var rest = name
    while let byte = rest.first {
      guard isName(byte) || PercentEncoding.byte(rest) != nil else { return false }
      rest = rest.dropFirst(byte == UInt8(ascii: "%") ? 3 : 1)
    }
    return true
  }

  /// Whether a character is unreserved or a sub-delimiter.
  private static func isName(_ byte: UInt8) -> Bool {
    PercentEncoding.isUnreserved(byte) || "!$&'()*+,;=".utf8.contains(byte)
  }
}
