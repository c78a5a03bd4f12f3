import HTTPTypes
import Hummingbird

/// Cross-origin resource sharing: lets web pages of one configured origin call the API (Fetch standard, section 3.3).
struct CORSPolicy: Sendable {
  /// The allowed origin, or `*` for all.
  let origin: String

  private static let methods = "GET, POST, PUT, PATCH, DELETE"
  /// Request header fields that a page may set.
  private static let requestHeaders = [
    HTTPField.Name.accept, .authorization, .contentType, .contentEncoding, .idempotencyKey, .ifMatch,
    .ifNoneMatch,
    .lastEventID, .prefer, .traceparent, .xRequestID,
  ].map(\.rawName).joined(separator: ", ")
  /// Response header fields that a page may read.
  private static let responseHeaders = [
    HTTPField.Name.allow, .deprecation, .eTag, .idempotencyReplayed, .location, .preferenceApplied,
    .rateLimit,
    .rateLimitPolicy,
    .retryAfter, .sunset, .wwwAuthenticate, .xRequestID,
  ].map(\.rawName).joined(separator: ", ")
  /// Seconds for which a browser may cache the response to a preflight request.
  private static let maxAge = 3_600

  /// The response to a preflight request; `nil` for other requests.
  func preflight(_ request: Request) -> Response? {
    guard request.method == .options, request.headers[.origin] != nil,
      request.headers[.accessControlRequestMethod] != nil
    else { return nil }
    return Response(
      status: .noContent,
      headers: [
        .accessControlAllowMethods: Self.methods, .accessControlAllowHeaders: Self.requestHeaders,
        .accessControlMaxAge: "\(Self.maxAge)",
      ])
  }

  /// Adds the fields that allow the page of a request to read its response.
  func apply(to headers: inout HTTPFields, of request: Request) {
    if origin != "*" {
      // The response differs by origin, which shared caches have to know.
      headers[values: .vary].append("Origin")
      guard request.headers[.origin] == origin else { return }
    } else if request.headers[.origin] == nil {
      return
    }
    headers[.accessControlAllowOrigin] = origin
    headers[.accessControlExposeHeaders] = Self.responseHeaders
  }
}
