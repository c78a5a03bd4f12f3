import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

@testable import VerdictCore
@testable import VerdictServer

/// The readers of keys, cursors, queries and headers.
enum Texts {
  static func key(_ text: String) {
    guard let secret = KeySecret(token: text) else { return }
    require(secret.token == text, "a key reads back as it was written")
    require(!"\(secret)".contains(text.suffix(60)), "a key is not printed")
  }

  static func cursor(_ text: String) {
    require(Cursor.decode(Cursor.encode(text)) == text, "a cursor reads back")
    _ = Cursor.decode(text)
    _ = Timestamp.parse(text)
    _ = QueryParameters.integer(text)
    if let network = Network(text) { require(Network("\(text)") == network, "a network reads back") }
  }

  /// Lines: the query, then the values of some headers.
  static func headers(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var fields = HTTPFields()
    let names: [HTTPField.Name] = [
      .contentType, .accept, .prefer, .xForwardedFor, .idempotencyKey, .authorization, .lastEventID,
      .xRequestID,
    ]
    for (name, line) in zip(names, lines.dropFirst()) where HTTPField.isValidValue(line) {
      fields[name] = line
    }
    let head = HTTPRequest(
      method: .get, scheme: nil, authority: nil, path: "/x?" + (lines.first ?? ""), headerFields: fields)
    let request = Request(head: head, body: .init(buffer: ByteBuffer()))
    if let query = try? QueryParameters(request, known: ["limit", "cursor", "at", "flag"]) {
      _ = try? query.limit()
      _ = try? query.time("at")
      _ = try? query.bool("flag")
      _ = try? query.cursor { $0 }
    }
    let types: [BodyType] = [.json, .ndjson, .csv]
    _ = try? BodyType.of(request, accepted: types)
    _ = try? BodyType.wanted(by: request, offered: types)
    if let wait = (try? Preference.wait(of: request)) ?? nil {
      require((0...300).contains(wait), "a bounded wait")
    }
    _ = try? Domain.idempotentRequest(request, bodyHash: .init())
    if let id = fields[.xRequestID] { _ = RequestIdentifier.accepted(id) }
  }
}
