import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// A request that the HTTP parser refused: invalid HTTP, or too many header fields. Hummingbird answers it with a bare 400, which
/// ``ConnectionTimeoutHandler`` replaces by a problem document with a request id.
struct MalformedRequest {
  private let id = RequestIdentifier.next()

  /// Whether a response head is Hummingbird's response to a malformed request.
  static func isResponse(_ head: HTTPResponse) -> Bool {
    head.status == .badRequest && head.headerFields[.contentLength] == "0"
      && head.headerFields[.connection] == "close"
  }

  /// The response that replaces it.
  func response() -> (HTTPResponse, ByteBuffer) {
    let problem = Problem(
      .invalidParameter,
      "The request is not valid HTTP/1.1 (RFC 9112), or its header section exceeds 80 KiB or 100 fields.")
    let body = problem.body(instance: "/", id: id)
    var headers: HTTPFields = [
      .contentType: "application/problem+json", .contentLength: "\(body.readableBytes)", .connection: "close",
    ]
    headers[.xRequestID] = id
    return (HTTPResponse(status: .badRequest, headerFields: headers), body)
  }

  /// Logs the request id that the client receives.
  func log(to logger: Logger) {
    logger.debug("malformed HTTP request", metadata: ["request_id": "\(id)"])
  }
}
