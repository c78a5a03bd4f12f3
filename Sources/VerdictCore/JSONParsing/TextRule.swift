/// A rule for a text that a client chooses: slugs, names and byte lengths.
package struct TextRule: Sendable {
  /// Why a text is refused, as “must …”; `nil` for an admitted text.
  private let objection: @Sendable (String) -> String?

  /// Why `text` is refused, as “must …”; `nil` if it is admitted.
  package func objection(to text: String) -> String? { objection(text) }

  /// Whether `text` follows the rule.
  package func admits(_ text: String) -> Bool { objection(text) == nil }

  /// Any text that PostgreSQL can store.
  package static let any = TextRule { $0.utf8.contains(0) ? "must not contain the character U+0000" : nil }

  /// A name for URLs, `^[a-z0-9][a-z0-9_-]{0,62}$`: the constraint of `datasets.name`.
  package static let slug = TextRule { isSlug($0) ? nil : "must match ^[a-z0-9][a-z0-9_-]{0,62}$" }

  /// The name of an API key.
  package static let keyName = name(atMost: 128)

  /// A name without control characters, safe in one line of text.
  package static func name(atMost maximum: Int) -> TextRule {
    TextRule { text in
      guard (1...maximum).contains(text.unicodeScalars.count) else {
        return "must have 1 to \(maximum) characters"
      }
      return text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        ? "must not contain control characters" : nil
    }
  }

  /// A text whose length in UTF-8 is within `range`.
  package static func bytes(_ range: ClosedRange<Int>) -> TextRule {
    TextRule { text in
      guard range.contains(text.utf8.count) else {
        return "must have \(range.lowerBound) to \(range.upperBound) bytes in UTF-8"
      }
      return any.objection(text)
    }
  }

  private static func isSlug(_ text: String) -> Bool {
    let bytes = text.utf8
    guard (1...63).contains(bytes.count) else { return false }
    return bytes.enumerated().allSatisfy { index, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
      case UInt8(ascii: "-"), UInt8(ascii: "_"): index > 0
      default: false
      }
    }
  }
}
