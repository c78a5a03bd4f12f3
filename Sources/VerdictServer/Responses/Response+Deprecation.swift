import HTTPTypes
import Hummingbird

extension Response {
  /// The response with the fields that announce the removal of its operation, or of the form of its operation that the request
  /// chose: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a link to the document that names the successor.
  ///
  /// Only the formats that shared one operation are deprecated, so all of them have the same times.
  func deprecated() -> Response {
    var response = self
    // 1 December 2026.
    response.headers[.deprecation] = "@1796083200"
    response.headers[.sunset] = "Wed, 01 Sep 2027 00:00:00 GMT"
    response.headers[.link] = "</openapi.yaml>; rel=\"deprecation\"; type=\"application/yaml\""
    return response
  }
}
