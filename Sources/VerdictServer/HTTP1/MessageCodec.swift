import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// Translates between HTTP/1 messages and the shared HTTP types, and applies the rules of RFC 9112 that the parser leaves to the
/// server.
///
/// The codec replaces NIO's ``HTTP1ToHTTPServerCodec``, which drops what these rules depend on: the version of a request, and
/// the method of the request that a response belongs to. A request that violates a rule ends the connection's input with a
/// ``MessageRefusal``. All state belongs to the channel's event loop.
final class MessageCodec: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// The properties of a request on which its response depends.
  private struct Exchange {
    /// Whether the response has no body: the method is HEAD.
    var isHead: Bool
    /// Whether the connection ends with the response.
    var isLast: Bool
    /// Whether the client may not know chunks: the request is HTTP/1.0.
    var isOld: Bool
  }

  /// The requests whose responses have not been sent.
  private var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
  /// Whether further input is discarded: a request was refused, or the last one has been received.
  private var isInputOver = false

  /// Removes NIO's codec from the pipeline of a new connection.
  func handlerAdded(context: ChannelHandlerContext) {
    let pipeline = context.pipeline.syncOperations
    do {
      let standard = try pipeline.context(handlerType: HTTP1ToHTTPServerCodec.self)
      pipeline.removeHandler(context: standard, promise: nil)
    } catch {
      context.fireErrorCaught(error)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isInputOver else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      do {
        context.fireChannelRead(wrapInboundOut(.head(try request(head))))
      } catch {
        isInputOver = true
        context.fireErrorCaught(error)
      }
    case .body(let bytes): context.fireChannelRead(wrapInboundOut(.body(bytes)))
    case .end(let trailers):
      if exchanges.last?.isLast == true { isInputOver = true }
      context.fireChannelRead(wrapInboundOut(.end(trailers.map { HTTPFields($0, splitCookie: false) })))
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let response):
      var head = HTTPResponseHead(response)
      if response.status.kind != .informational, let exchange = exchanges.first {
        if exchange.isLast { head.headers.replaceOrAdd(name: "Connection", value: "close") }
        // The encoder frames the body of an older version by the end of the connection.
        if exchange.isOld { head.version = .http1_0 }
      }
      context.write(wrapOutboundOut(.head(head)), promise: promise)
    case .body(let bytes):
      let isHead = exchanges.first?.isHead ?? false
      context.write(wrapOutboundOut(.body(.byteBuffer(isHead ? ByteBuffer() : bytes))), promise: promise)
    case .end(let trailers):
      if exchanges.popFirst()?.isHead ?? false {
        // The encoder, which does not know the method, would send a last chunk.
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: promise)
      } else {
        context.write(wrapOutboundOut(.end(trailers.map(HTTPHeaders.init))), promise: promise)
      }
    }
  }

  /// The request with a header section.
  ///
  /// - Throws: ``MessageRefusal``.
  private func request(_ head: HTTPRequestHead) throws(MessageRefusal) -> HTTPRequest {
    let isOld = head.version == .http1_0
    guard isOld || head.version == .http1_1 else { throw .version }
    let facts = HeaderFacts(head.headers)
    guard facts.hosts == 1 || (isOld && facts.hosts == 0), facts.isHostValid else { throw .host }
    if let coding = facts.transferCoding {
      // An older client cannot have framed its body by chunks (RFC 9112, section 6.1).
      guard !isOld else { throw .transferCodingOfOldVersion }
      guard coding.lowercased() == "chunked" else { throw .transferCoding }
    }
    var request: HTTPRequest
    do {
      if head.uri.utf8.first == UInt8(ascii: "/") {
        request = HTTPRequest(
          method: try .init(head.method), scheme: "http", authority: facts.host,
          path: RequestTarget.normalized(head.uri),
          headerFields: HTTPFields(head.headers, splitCookie: false))
      } else {
        request = try HTTPRequest(head, secure: false, splitCookie: false)
        request.path = request.path.map(RequestTarget.normalized)
      }
    } catch {
      throw .malformed
    }
    let isLast = isOld || facts.closes
    if isLast { request.headerFields[.connection] = "close" }
    // A server ignores the expectation of an older client (RFC 9110, section 10.1.1).
    if isOld { request.headerFields[.expect] = nil }
    exchanges.append(Exchange(isHead: request.method == .head, isLast: isLast, isOld: isOld))
    return request
  }
}

/// The facts of a header section that the rules of ``MessageCodec`` need, collected in one pass over its fields.
private struct HeaderFacts {
  /// The number of Host fields.
  var hosts = 0
  /// The last of them.
  var host: String?
  var isHostValid = true
  /// The joined values of Transfer-Encoding.
  var transferCoding: String?
  /// Whether the client closes the connection after this request.
  var closes = false

  init(_ headers: HTTPHeaders) {
    for (name, value) in headers {
      switch name.utf8.count {
      case 4 where Self.isEqual(name, "host"):
        hosts += 1
        host = value
        isHostValid = isHostValid && HostField.isValid(value)
      case 10 where value != "keep-alive" && Self.isEqual(name, "connection"):
        closes =
          closes
          || value.split(separator: ",").contains {
            $0.trimmingCharacters(of: " \t").lowercased() == "close"
          }
      case 17 where Self.isEqual(name, "transfer-encoding"):
        transferCoding = transferCoding.map { "\($0),\(value)" } ?? value
      default: continue
      }
    }
  }

  /// Compares a name of the same length with one in lower case.
  private static func isEqual(_ name: String, _ lowercase: String) -> Bool {
    name.lowercased() == lowercase
  }
}
