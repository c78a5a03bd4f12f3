import HTTPTypes
import Hummingbird

/// Lets pages of the origin that is set use the API (Fetch standard, section 3.3, CORS protocol).
struct CrossOrigin: Sendable {
  /// The origin, or `*`.
  let origin: String

  private static let methods = "GET, POST, PUT, PATCH, DELETE"
  /// What a page may send.
  private static let requestHeaders = [
    HTTPField.Name.accept, .authorization, .contentType, .contentEncoding, .idempotencyKey, .ifMatch,
    .ifNoneMatch,
    .lastEventID, .prefer, .traceparent, .xRequestID,
  ].map(\.rawName).joined(separator: ", ")
  /// What a page may see beside the body.
  private static let answerHeaders = [
    HTTPField.Name.allow, .eTag, .idempotencyReplayed, .location, .preferenceApplied, .rateLimit,
    .rateLimitPolicy,
    .retryAfter, .wwwAuthenticate, .xRequestID,
  ].map(\.rawName).joined(separator: ", ")
  /// For how many seconds a browser may remember the answer to a preflight.
  private static let memory = 3_600

  /// The answer to a page that asks whether it may send a request; `nil` for what is no such question.
  func preflight(_ request: Request) -> Response? {
    guard request.method == .options, request.headers[.origin] != nil,
      request.headers[.accessControlRequestMethod] != nil
    else { return nil }
    return Response(
      status: .noContent,
      headers: [
        .accessControlAllowMethods: Self.methods, .accessControlAllowHeaders: Self.requestHeaders,
        .accessControlMaxAge: "\(Self.memory)",
      ])
  }

  /// Says in an answer which pages may see it.
  func mark(_ headers: inout HTTPFields, of request: Request) {
    if origin != "*" {
      // The answer is another one for another origin: caches must know.
      headers[values: .vary].append("Origin")
      guard request.headers[.origin] == origin else { return }
    } else if request.headers[.origin] == nil {
      return
    }
    headers[.accessControlAllowOrigin] = origin
    headers[.accessControlExposeHeaders] = Self.answerHeaders
  }
}
