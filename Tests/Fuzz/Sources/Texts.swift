import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import RowFormats

@testable import VerdictCore
@testable import VerdictServer

/// Fuzz targets for API keys, cursors, queries and header fields.
enum Texts {
  static func key(_ text: String) {
    guard let secret = KeySecret(token: text) else { return }
    require(secret.token == text, "keys round-trip")
    require(!"\(secret)".contains(text.suffix(60)), "keys are not printed")
  }

  static func cursor(_ text: String) {
    let isPosition = !text.isEmpty && text.utf8.allSatisfy { (0x20...0x7F).contains($0) }
    require(Cursor.decode(Cursor.encode(text)) == (isPosition ? text : nil), "cursors round-trip")
    if let position = Cursor.decode(text) {
      require(Cursor.encode(position) == text, "a position has one cursor")
    }
    _ = Timestamp.parse(text)
    _ = QueryParameters.integer(text)
    let target = RequestTarget.normalized(text)
    require(RequestTarget.normalized(target).utf8.count <= text.utf8.count, "targets do not grow")
    require(
      !HostField.isValid(text) || !text.contains(where: { $0.isWhitespace || $0 == "/" }), "hosts are names")
    if let network = Network(text) { require(Network("\(text)") == network, "networks parse equally") }
  }

  /// The CSV options of a query; `nil` for a refused query.
  static func csvFormat(_ query: String) -> CSVFormat? {
    guard let query = try? QueryParameters(request(query), known: CSVOptions.labelled) else { return nil }
    return try? CSVOptions.labels(query, of: Bodies.dataset)
  }

  private static let names = [
    "Content-Type", "Accept", "Prefer", "X-Forwarded-For", "Idempotency-Key", "Authorization",
    "Last-Event-ID",
    "X-Request-Id", "If-Match", "If-None-Match", "traceparent", "Content-Encoding",
  ].compactMap { HTTPField.Name($0) }

  private static let proxies = ClientAddress(proxies: ["10.0.0.0/8", "::1"].compactMap { Network($0) })

  private static func request(_ query: String, _ fields: HTTPFields = [:]) -> Request {
    Request(
      head: .init(method: .get, scheme: nil, authority: nil, path: "/x?" + query, headerFields: fields),
      body: .init(buffer: ByteBuffer()))
  }

  /// The first line of the input is the query. The following lines are values of the header fields in ``names``, repeated cyclically.
  static func headers(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var fields = HTTPFields()
    for (index, line) in lines.dropFirst().enumerated() where HTTPField.isValidValue(line) {
      fields.append(HTTPField(name: names[index % names.count], value: line))
    }
    let request = request(lines.first ?? "", fields)
    query(request)
    negotiation(request)
    conditions(request)
    if let wait = (try? Preference.wait(of: request)) ?? nil {
      require((0...300).contains(wait), "wait is bounded")
    }
    if let key = (try? IdempotencyKey(request)) ?? nil {
      require((1...255).contains(key.text.utf8.count), "keys are bounded")
    }
    for id in fields[values: .xRequestID] {
      require(RequestIdentifier.accepted(id).map { $0 == id } ?? true, "an accepted request id is unchanged")
    }
    for field in fields where field.name.canonicalName == "traceparent" {
      let parent = field.value
      guard let trace = TraceContext.traceID(of: parent) else { continue }
      require(trace.utf8.count == 32 && parent.contains(trace), "the trace id comes from the field")
    }
    for peer in ["10.0.0.1", "192.0.2.1"] {
      let address = proxies.of(peer, forwarded: fields[values: .xForwardedFor].joined(separator: ","))
      require(address.utf8.count <= 31, "client addresses are short")
    }
  }

  private static func query(_ request: Request) {
    guard let query = try? QueryParameters(request, known: ["limit", "cursor", "at", "flag"]) else { return }
    if let limit = try? query.limit() { require((1...1_000).contains(limit), "pages are bounded") }
    _ = try? query.time("at")
    _ = try? query.bool("flag")
    _ = try? query.numberCursor()
  }

  private static func negotiation(_ request: Request) {
    let types: [BodyType] = [.json, .ndjson, .csv]
    _ = try? BodyType.of(request, accepted: types)
    if let wanted = try? BodyType.wanted(by: request, offered: types) {
      require(types.contains(wanted), "the type is one of those offered")
    }
    do {
      let stream = try BodyStream(request, limit: 1_000)
      _ = consume stream
    } catch {}
  }

  private static func conditions(_ request: Request) {
    let tag = EntityTag(of: ByteBuffer(string: "a body"))
    for name in [HTTPField.Name.ifMatch, .ifNoneMatch] {
      guard let condition = (try? EntityTagCondition.of(request, name)) ?? nil else { continue }
      require(
        condition.holdsWeakly(for: tag) || !condition.holdsStrongly(for: tag), "strong is stronger than weak")
    }
  }
}
