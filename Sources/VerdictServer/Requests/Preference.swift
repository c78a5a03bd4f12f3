import HTTPTypes
import Hummingbird

/// Parses the Prefer header field (RFC 7240).
enum Preference {
  /// The most bytes of a value.
  private static let longest = 1_000

  /// The seconds of `wait=N`, 0…300; `nil` without it. Other preferences are ignored, as the RFC requires.
  ///
  /// - Throws: ``Problem`` of kind `invalid-parameter` for a `wait` out of range and for too long values.
  static func wait(of request: Request) throws -> Int? {
    guard request.headers[values: .prefer].allSatisfy({ $0.utf8.count <= longest }) else {
      throw QueryParameters.refusal("Prefer", "must have at most \(longest) characters")
    }
    for preference in request.headers[values: .prefer].flatMap({
      $0.split(whereSeparator: { ",;".contains($0) })
    }) {
      let parts = preference.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(of: " \t\"") }
      guard parts.count == 2, parts[0].lowercased() == "wait" else { continue }
      guard let seconds = QueryParameters.integer(parts[1]), seconds <= 300 else {
        throw QueryParameters.refusal("Prefer", "must be wait=N with N from 0 to 300")
      }
      return seconds
    }
    return nil
  }
}
