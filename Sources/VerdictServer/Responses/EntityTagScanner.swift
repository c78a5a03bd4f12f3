/// Reads a list of entity tags (RFC 9110, sections 5.6.1 and 8.8.3) from left to right, each byte once.
struct EntityTagScanner {
  /// The longest list that is read: 32 tags of the longest form, each with a comma and a few blanks.
  static let longest = 4_500
  /// How many tags a list may have.
  static let most = 32

  private let bytes: [UInt8]
  private var position = 0

  /// `nil` for a text that is too long to be looked at.
  init?(_ text: String) {
    guard text.utf8.count <= Self.longest else { return nil }
    bytes = Array(text.utf8)
  }

  /// The tags of the list, of which there is one at least; `nil` where it is none.
  mutating func tags() -> [EntityTag]? {
    var tags: [EntityTag] = []
    repeat {
      skipBlanks()
      guard tags.count < Self.most, let tag = tag() else { return nil }
      tags.append(tag)
      skipBlanks()
    } while take(UInt8(ascii: ","))
    return position == bytes.count ? tags : nil
  }

  /// A tag may have a comma inside: it ends with its second quote.
  private mutating func tag() -> EntityTag? {
    let start = position
    if take(UInt8(ascii: "W")), !take(UInt8(ascii: "/")) { return nil }
    guard take(UInt8(ascii: "\"")) else { return nil }
    guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\"")) else { return nil }
    position = end + 1
    return EntityTag(String(decoding: bytes[start..<position], as: UTF8.self)[...])
  }

  private mutating func skipBlanks() {
    while position < bytes.count,
      bytes[position] == UInt8(ascii: " ") || bytes[position] == UInt8(ascii: "\t")
    {
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }
}
