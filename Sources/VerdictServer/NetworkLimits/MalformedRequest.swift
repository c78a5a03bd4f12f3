import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Bytes that are no request, or one with more headers than there may be: Hummingbird answers them with a bare 400, in whose
/// place a problem goes out, under a name of its own.
struct UnreadableRequest {
  private let id = RequestIdentifier.next()

  /// Whether an answer's head is the one to replace.
  static func isAnswered(by head: HTTPResponse) -> Bool {
    head.status == .badRequest && head.headerFields[.contentLength] == "0"
      && head.headerFields[.connection] == "close"
  }

  /// The answer.
  func answer() -> (HTTPResponse, ByteBuffer) {
    let problem = Problem(
      .invalidParameter,
      "This is no request as in RFC 9112, or its header section is larger than 80 KiB or 100 fields.")
    let body = problem.body(instance: "/", id: id)
    var headers: HTTPFields = [
      .contentType: "application/problem+json", .contentLength: "\(body.readableBytes)", .connection: "close",
    ]
    headers[.xRequestID] = id
    return (HTTPResponse(status: .badRequest, headerFields: headers), body)
  }

  func log(to logger: Logger) {
    logger.debug("what came was no request", metadata: ["request_id": "\(id)"])
  }
}
