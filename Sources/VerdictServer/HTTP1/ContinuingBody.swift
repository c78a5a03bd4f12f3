import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

/// A request body whose client waits for `100 Continue` before it sends the body (RFC 9110, section 10.1.1).
///
/// The interim response is sent when the body is read for the first time. A request that is refused by its header section gets
/// the final response alone, and its body is never sent.
struct ContinuingBody: AsyncSequence, Sendable {
  let body: RequestBody
  let channel: any Channel

  func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(body: body.makeAsyncIterator(), waiting: channel)
  }

  struct AsyncIterator: AsyncIteratorProtocol {
    var body: RequestBody.AsyncIterator
    /// The channel of a client that still waits.
    var waiting: (any Channel)?

    mutating func next() async throws -> ByteBuffer? {
      if let channel = waiting {
        waiting = nil
        // A connection that is gone fails the reading, too.
        try? await channel.writeAndFlush(HTTPResponsePart.head(HTTPResponse(status: .continue)))
      }
      return try await body.next()
    }
  }
}

extension Request {
  /// The request with a body that meets the client's expectation.
  ///
  /// - Throws: ``Problem`` of kind `expectation-failed` for any other expectation than `100-continue`.
  func meetingExpectation(on channel: any Channel) throws -> Request {
    guard let expectation = headers.value(.expect) else { return self }
    guard expectation.lowercased() == "100-continue" else {
      throw Problem(.expectationFailed, "The only expectation that the server meets is 100-continue.")
    }
    var request = self
    request.body = RequestBody(asyncSequence: ContinuingBody(body: body, channel: channel))
    return request
  }
}
