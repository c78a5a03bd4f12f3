import Crypto
import HTTPTypes
import Hummingbird
import NIOCore
import RowFormats
import VerdictCore
import PostgreSQL

/// The name of one state of a resource (RFC 9110, section 8.8.3).
struct EntityTag: Hashable, Sendable {
  /// The text between the quotes.
  var opaque: String
  /// Whether the tag names equivalent states rather than equal bytes. The server issues strong tags only, but a proxy that
  /// compresses responses turns them into weak ones.
  var isWeak = false

  /// The strong tag of a response: a hash of its bytes.
  init(of body: ByteBuffer) {
    opaque = body.withUnsafeReadableBytes { Hexadecimal.text(SHA256.hash(data: $0).prefix(16)) }
  }

  /// Parses a tag with its quotes; `nil` for a malformed one.
  init?(_ text: Substring) {
    var rest = text
    isWeak = rest.hasPrefix("W/")
    if isWeak { rest = rest.dropFirst(2) }
    guard (2...130).contains(rest.utf8.count), rest.hasPrefix("\""), rest.hasSuffix("\"") else { return nil }
    opaque = String(rest.dropFirst().dropLast())
    let isPlain = opaque.utf8.allSatisfy { $0 == 0x21 || (0x23...0x7E).contains($0) }
    guard isPlain else { return nil }
  }

  /// The tag as a header field has it.
  var text: String { (isWeak ? "W/" : "") + "\"\(opaque)\"" }
}

/// The precondition of a request: `If-Match` or `If-None-Match` (RFC 9110, sections 13.1.1 and 13.1.2).
enum EntityTagCondition: Sendable {
  /// `*`: any state at all.
  case any
  case tags([EntityTag])

  /// The condition in a header field; `nil` without that field.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for a malformed list.
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

  /// The strong comparison, for changes: the same bytes.
  func holdsStrongly(for tag: EntityTag) -> Bool {
    switch self {
    case .any: true
    case .tags(let tags): !tag.isWeak && tags.contains(tag)
    }
  }

  /// The weak comparison, for reading: an equivalent state.
  func holdsWeakly(for tag: EntityTag) -> Bool {
    switch self {
    case .any: true
    case .tags(let tags): tags.contains { $0.opaque == tag.opaque }
    }
  }
}

/// Parses a list of entity tags (RFC 9110, sections 5.6.1 and 8.8.3) in linear time.
struct EntityTagScanner {
  /// The longest list in bytes: 32 tags of the longest form, each with a comma and a few blanks.
  static let longest = 4_500
  /// The most tags of a list.
  static let most = 32

  private let bytes: [UInt8]
  private var position = 0

  /// `nil` for a text that is longer than ``longest``.
  init?(_ text: String) {
    guard text.utf8.count <= Self.longest else { return nil }
    bytes = Array(text.utf8)
  }

  /// The tags of the list, at least one; `nil` for a malformed list.
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

  /// A tag ends with its second quote, since it may contain a comma.
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

extension Response {
  /// A response with an `ETag`: 304 without a body if the client already has this state.
  static func conditional(
    _ request: Request, headers: HTTPFields = [:], type: String, _ buffer: ByteBuffer,
    cache: String = "private, no-cache"
  ) throws -> Response {
    let tag = EntityTag(of: buffer)
    var headers = headers
    headers[.eTag] = tag.text
    headers[.cacheControl] = cache
    if let known = try EntityTagCondition.of(request, .ifNoneMatch), known.holdsWeakly(for: tag) {
      return Response(status: .notModified, headers: headers)
    }
    return .bytes(headers: headers, type: type, buffer)
  }

  /// The same for the JSON that `write` writes.
  static func conditional(
    _ request: Request, _ write: (inout JSONWriter) throws -> Void
  ) throws -> Response {
    var json = JSONWriter()
    try write(&json)
    return try conditional(request, type: "application/json", json.buffer)
  }

  /// The same for a page of a list.
  static func conditional<T>(
    _ request: Request, _ page: Page<T>, _ write: (inout JSONWriter, T) throws -> Void
  ) throws -> Response {
    try conditional(request) { try $0.page(page, write) }
  }

  /// The state of a dataset after a change, with the tag that a later `If-Match` can name.
  static func dataset(
    _ summary: DatasetSummary, _ status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
  ) throws -> Response {
    var json = JSONWriter()
    try json.dataset(summary)
    var headers = headers
    headers[.eTag] = EntityTag(of: json.buffer).text
    return .bytes(status, headers: headers, type: "application/json", json.buffer)
  }
}

extension DatasetSummary {
  /// The check that `If-Match` demands before a change: the dataset is in the state that the client has read.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for a malformed header field.
  static func condition(of request: Request) throws -> DatasetStore.Condition? {
    guard let expected = try EntityTagCondition.of(request, .ifMatch) else { return nil }
    return { summary in
      var json = JSONWriter()
      try json.dataset(summary)
      guard expected.holdsStrongly(for: EntityTag(of: json.buffer)) else {
        throw Problem(
          .preconditionFailed,
          "The dataset \(summary.dataset.name) has changed since it was read; read it again and retry.")
      }
    }
  }
}
