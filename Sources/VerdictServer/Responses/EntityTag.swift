import Crypto
import HTTPTypes
import Hummingbird
import NIOCore

/// Names one state of a resource (RFC 9110, section 8.8.3).
struct EntityTag: Hashable, Sendable {
  /// What stands between the quotes.
  var opaque: String
  /// Whether it names states that mean the same rather than the same bytes; the server gives none of these itself, but a
  /// proxy that compresses answers makes them of strong ones.
  var isWeak = false

  /// The strong tag of an answer: a hash of its bytes, so that whatever shows in it changes the tag.
  init(of body: ByteBuffer) {
    var text: [UInt8] = []
    body.withUnsafeReadableBytes { bytes in
      for byte in SHA256.hash(data: bytes).prefix(16) {
        text.append(Self.digits[Int(byte >> 4)])
        text.append(Self.digits[Int(byte & 15)])
      }
    }
    opaque = String(decoding: text, as: UTF8.self)
  }

  /// A tag as a client sends it, with its quotes.
  init?(_ text: Substring) {
    var rest = text
    isWeak = rest.hasPrefix("W/")
    if isWeak { rest = rest.dropFirst(2) }
    guard (2...130).contains(rest.utf8.count), rest.hasPrefix("\""), rest.hasSuffix("\"") else { return nil }
    opaque = String(rest.dropFirst().dropLast())
    let isPlain = opaque.utf8.allSatisfy { $0 == 0x21 || (0x23...0x7E).contains($0) }
    guard isPlain else { return nil }
  }

  /// As it stands in a header.
  var text: String { (isWeak ? "W/" : "") + "\"\(opaque)\"" }

  private static let digits = Array("0123456789abcdef".utf8)
}

/// What a request says of the state that it expects: `If-Match` or `If-None-Match` (RFC 9110, sections 13.1.1, 13.1.2).
enum EntityTagCondition: Sendable {
  /// `*`: any state at all.
  case any
  case tags([EntityTag])

  /// The condition in a header; `nil` where there is none.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for what is no list of tags.
  static func of(_ request: Request, _ name: HTTPField.Name) throws -> EntityTagCondition? {
    let values = request.headers[values: name]
    guard !values.isEmpty else { return nil }
    let text = values.joined(separator: ",")
    if text.trimmingCharacters(of: " \t") == "*" { return .any }
    var scanner = EntityTagScanner(text)
    guard let tags = scanner?.tags() else {
      throw QueryParameters.refusal(
        name.rawName,
        "must be * or a list of up to \(EntityTagScanner.most) entity tags in double quotes, each of at most 128 characters"
      )
    }
    return .tags(tags)
  }

  /// The strong comparison, for changes: the very bytes that the client has seen.
  func holdsStrongly(for tag: EntityTag) -> Bool {
    switch self {
    case .any: true
    case .tags(let tags): !tag.isWeak && tags.contains(tag)
    }
  }

  /// The weak comparison, for reading: what the client has is as good.
  func holdsWeakly(for tag: EntityTag) -> Bool {
    switch self {
    case .any: true
    case .tags(let tags): tags.contains { $0.opaque == tag.opaque }
    }
  }
}
