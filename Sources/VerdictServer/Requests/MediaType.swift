import HTTPTypes
import Hummingbird

/// The media types of bodies.
enum BodyType: String, Sendable {
  case json = "application/json"
  case mergePatch = "application/merge-patch+json"
  case ndjson = "application/x-ndjson"
  case csv = "text/csv"

  /// The value of `Content-Type` for a response of this type.
  var contentType: String { self == .csv ? "text/csv; charset=utf-8" : rawValue }

  /// The type that a request declares, which must be one of `accepted`.
  ///
  /// - Throws: ``Problem`` of kind `unsupported-media-type`.
  static func of(_ request: Request, accepted: [BodyType]) throws -> BodyType {
    // The usual spelling needs no parsing, which matters for predictions.
    if let written = request.headers.value(.contentType), let type = BodyType(rawValue: written),
      accepted.contains(type)
    {
      return type
    }
    let declared = request.headers.value(.contentType).map { value in
      String(value.prefix { $0 != ";" }).trimmingCharacters(of: " \t").lowercased()
    }
    if let declared, let type = BodyType(rawValue: declared), accepted.contains(type) { return type }
    let list = accepted.map(\.rawValue).joined(separator: ", ")
    throw Problem(
      .unsupportedMediaType,
      declared.map { "This resource accepts \(list), not \($0)." }
        ?? "The request needs a Content-Type: \(list).",
      headers: [.accept: list])
  }

  /// The type that the client prefers among `offered`; the first one without a preference.
  ///
  /// - Throws: ``Problem`` of kind `not-acceptable`.
  static func wanted(by request: Request, offered: [BodyType]) throws -> BodyType {
    let header = request.headers[values: .accept].joined(separator: ",")
    guard let first = offered.first else {
      throw Problem(.notAcceptable, "This resource offers no media type.")
    }
    guard !header.allSatisfy(\.isWhitespace) else { return first }
    var best: (type: BodyType, quality: Double)?
    for range in header.split(separator: ",") {
      let parts = range.split(separator: ";").map { $0.trimmingCharacters(of: " \t").lowercased() }
      guard let name = parts.first else { continue }
      let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      guard quality > 0, let match = offered.first(where: { $0.matches(name) }) else { continue }
      if quality > best?.quality ?? 0 { best = (match, quality) }
    }
    guard let best else {
      throw Problem(
        .notAcceptable, "This resource is available as \(offered.map(\.rawValue).joined(separator: ", ")).")
    }
    return best.type
  }

  private func matches(_ range: String) -> Bool {
    if range == "*/*" || range == rawValue { return true }
    return range.hasSuffix("/*") && rawValue.hasPrefix(range.dropLast())
  }
}

extension StringProtocol {
  /// The text without the given characters at both ends.
  func trimmingCharacters(of set: String) -> String {
    var rest = self[...]
    while let first = rest.first, set.contains(first) { rest = rest.dropFirst() }
    while let last = rest.last, set.contains(last) { rest = rest.dropLast() }
    return String(rest)
  }
}
