import Foundation
import Hummingbird
import RowFormats
import VerdictCore

/// The query of a request, parsed strictly: unknown, repeated and malformed parameters are refused.
struct QueryParameters {
  private var values: [String: String] = [:]

  /// - Throws: ``Problem`` of kind `invalid-parameter` for an unknown or repeated parameter.
  init(_ request: Request, known: Set<String>) throws {
    for pair in (request.uri.query ?? "").split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = try Self.decoded(parts[0])
      guard known.contains(name) else { throw Self.refusal(name, "is not a parameter of this path") }
      let value = parts.count == 2 ? try Self.decoded(parts[1]) : ""
      guard values.updateValue(value, forKey: name) == nil else {
        throw Self.refusal(name, "is given twice")
      }
    }
  }

  /// Decodes a name or value of `application/x-www-form-urlencoded` (WHATWG URL, section 5).
  private static func decoded(_ text: Substring) throws -> String {
    // The usual case; decoding costs more than the rest of a prediction.
    if text.utf8.allSatisfy({ $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "+") }) { return String(text) }
    guard let decoded = text.replacing("+", with: " ").removingPercentEncoding else {
      throw Problem(.invalidParameter, "The query is not percent-encoded UTF-8.")
    }
    return decoded
  }

  subscript(_ name: String) -> String? { values[name] }

  /// A text of at most so many characters (Unicode code points, as JSON Schema counts them). At up to twelve bytes a
  /// character, all parameters must fit into the 80 KiB of a request line that the HTTP parser accepts.
  func text(_ name: String, atMost limit: Int) throws -> String? {
    guard let text = values[name] else { return nil }
    guard text.unicodeScalars.count <= limit else {
      throw Self.refusal(name, "must have at most \(limit) characters")
    }
    return text
  }

  /// A client's own id: the key of a label, a reference or a group, in the form in which it is stored.
  func identifier(_ name: String) throws -> String? {
    guard let text = values[name]?.normalized else { return nil }
    guard (1...200).contains(text.utf8.count), !text.utf8.contains(0) else {
      throw Self.refusal(name, "must be 1 to 200 bytes without a NUL character")
    }
    return text
  }

  /// Whether any parameter is given.
  var isEmpty: Bool { values.isEmpty }

  /// `true` or `false`.
  func bool(_ name: String) throws -> Bool? {
    switch values[name] {
    case nil: nil
    case "true": true
    case "false": false
    default: throw Self.refusal(name, "must be true or false")
    }
  }

  /// A whole number within bounds.
  func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
    guard let text = values[name] else { return nil }
    guard let value = Self.integer(text), range.contains(value) else {
      throw Self.refusal(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A timestamp (RFC 3339).
  func time(_ name: String) throws -> Date? {
    guard let text = values[name] else { return nil }
    guard let time = Timestamp.parse(text) else {
      throw Self.refusal(name, "must be a time as in RFC 3339")
    }
    return time
  }

  /// The size of a page: 1…1000, by default 100.
  func limit() throws -> Int {
    try integer("limit", in: 1...1_000) ?? 100
  }

  /// The number after which a page begins.
  func numberCursor() throws -> Int? {
    try cursor(atMost: 18, Self.integer)
  }

  /// The position after which a page begins, as `position` parses it.
  ///
  /// - Parameter most: the most bytes of a position.
  func cursor<T>(atMost most: Int, _ position: (String) -> T?) throws -> T? {
    guard let cursor = try text("cursor", atMost: Cursor.length(ofPosition: most)) else { return nil }
    guard let position = Cursor.decode(cursor).flatMap(position) else {
      throw Self.refusal("cursor", "is not a cursor of this list")
    }
    return position
  }

  /// A number of digits only; `Int` would also accept a sign.
  static func integer(_ text: some StringProtocol) -> Int? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }

  /// The problem of an invalid parameter or header field.
  static func refusal(_ name: String, _ detail: String) -> Problem {
    Problem(.invalidParameter, locations: [ErrorLocation(parameter: name, detail: detail)])
  }
}
