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

  /// The end of a path whose operation has this type only, such as `/v1/datasets/{dataset}/labels.csv`.
  var pathExtension: String {
    switch self {
    case .json, .mergePatch: ".json"
    case .ndjson: ".ndjson"
    case .csv: ".csv"
    }
  }

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
    let parts = request.headers.value(.contentType)?.split(separator: ";", omittingEmptySubsequences: false)
    let declared = parts?.first.map { $0.trimmingCharacters(of: " \t").lowercased() }
    let list = accepted.map(\.rawValue).joined(separator: ", ")
    if let declared, let type = BodyType(rawValue: declared), accepted.contains(type) {
      if let charset = charset(parts?.dropFirst() ?? []), charset != "utf-8", charset != "utf8" {
        throw Problem(
          .unsupportedMediaType, "Bodies are read as UTF-8, not as \(charset).", headers: [.accept: list])
      }
      return type
    }
    throw Problem(
      .unsupportedMediaType,
      declared.map { "This resource accepts \(list), not \($0)." }
        ?? "The request needs a Content-Type: \(list).",
      headers: [.accept: list])
  }

  /// The parameter `charset` of a media type, in lower case (RFC 9110, section 8.3.2).
  private static func charset(_ parameters: some Sequence<Substring>) -> String? {
    for parameter in parameters {
      let pair = parameter.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, pair[0].trimmingCharacters(of: " \t").lowercased() == "charset" else { continue }
      return pair[1].trimmingCharacters(of: " \t\"").lowercased()
    }
    return nil
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
