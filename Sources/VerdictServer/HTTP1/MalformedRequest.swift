import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// The response to a request that no route receives: invalid HTTP, too many header fields, or a message that ``MessageCodec``
/// refused. Hummingbird answers it with a bare 400, which ``ConnectionTimeoutHandler`` replaces by a problem document with a
/// request id.
struct MalformedRequest {
  private let id = RequestIdentifier.next()
  private let problem: Problem

  /// The response for a reason.
  init(_ refusal: MessageRefusal) { problem = refusal.problem }

  /// Whether a response head is Hummingbird's response to a malformed request.
  static func isResponse(_ head: HTTPResponse) -> Bool {
    head.status == .badRequest && head.headerFields[.contentLength] == "0"
      && head.headerFields[.connection] == "close"
  }

  /// The response that replaces it.
  func response() -> (HTTPResponse, ByteBuffer) {
    let body = problem.body(instance: "/", id: id)
    var headers: HTTPFields = [
      .contentType: "application/problem+json", .contentLength: "\(body.readableBytes)", .connection: "close",
    ]
    headers[.xRequestID] = id
    return (HTTPResponse(status: problem.kind.status, headerFields: headers), body)
  }

  /// Logs the request id that the client receives.
  func log(to logger: Logger) {
    logger.debug(
      "malformed HTTP request", metadata: ["request_id": "\(id)", "detail": "\(problem.detail)"])
  }
}
