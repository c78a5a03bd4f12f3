import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Closes connections whose client sends or receives too slowly, and connections beyond the limit of their address.
///
/// The handler works on the parts of HTTP messages; its ``ByteCounter`` works on bytes at the other end of the pipeline. A timer
/// ticks four times per ``ConnectionLimits/head``, so a request costs a few additions and no clock reading. Time during which
/// the server has no read outstanding (it processes what arrived, or applies back-pressure) does not count. All state belongs
/// to the channel's event loop.
final class ConnectionTimeoutHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// Timer ticks per ``ConnectionLimits/head``.
  private static let ticksPerTimeout = 4

  private let limits: ConnectionLimits
  private let addressLimiter: AddressConnectionLimiter
  private let logger: Logger
  private let counter = ByteCounter()
  private var timer: RepeatedTask?
  /// The key under which the address limiter counts the connection.
  private var countedKey: String?
  /// Requests whose header section has been received and whose response has not been sent.
  private var openRequests = 0
  /// Whether a request body is being received.
  private var inBody = false
  /// Whether the client waits for `100 Continue` with its body.
  private var isBodyHeldBack = false
  /// Bytes of the body that are still to come, by its Content-Length; `nil` without one.
  private var remaining: Int?
  /// Ticks since the present wait for the client began.
  private var waited = 0
  /// Bytes received when the present wait began.
  private var receivedBefore = 0
  /// Whether a header section is awaited: on a new connection, or since the first byte of a further request.
  private var isInHeader = true
  /// Ticks during which the network accepted none of the buffered bytes, and the bytes that it had accepted before.
  private var stalled = (ticks: 0, sent: 0)
  /// Ticks since the last response finished; `nil` before.
  private var closing: Int?
  /// Bytes and ticks since the response was sent while the request body was still arriving; `nil` otherwise.
  private var draining: (bytes: Int, ticks: Int)?
  /// Set while the response to a malformed request is being sent.
  private var malformed: MalformedRequest?

  init(_ limits: ConnectionLimits, _ addressLimiter: AddressConnectionLimiter, logger: Logger) {
    self.limits = limits
    self.addressLimiter = addressLimiter
    self.logger = logger
  }

  func handlerAdded(context: ChannelHandlerContext) {
    do {
      try context.pipeline.syncOperations.addHandler(counter, position: .first)
    } catch {
      context.fireErrorCaught(error)
    }
    let interval = TimeAmount(limits.head / Self.ticksPerTimeout)
    // The timer runs on the channel's event loop, as this handler does.
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
      let (handler, context) = bound.value
      handler.tick(context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelActive(context: ChannelHandlerContext) {
    // Closing a channel before it is registered would appear to the server as a failure to accept connections.
    switch addressLimiter.admit(context.channel.remoteAddress?.ipAddress ?? "") {
    case .counted(let key): countedKey = key
    case .exempt: break
    case .refused:
      logger.debug("connection refused: too many connections from one address")
      context.close(promise: nil)
    }
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    end()
    context.fireChannelInactive()
  }

  private func end() {
    timer?.cancel()
    if let countedKey { addressLimiter.release(countedKey) }
    countedKey = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      openRequests += 1
      inBody = true
      isBodyHeldBack = head.headerFields.value(.expect) != nil
      remaining = head.headerFields.value(.contentLength).flatMap { Int($0) }
      restart()
    case .body(let buffer):
      isBodyHeldBack = false
      remaining = remaining.map { $0 - buffer.readableBytes }
      drain(buffer.readableBytes)
    case .end:
      inBody = false
      isBodyHeldBack = false
      draining = nil
      if counter.isReadSuspended {
        counter.isReadSuspended = false
        context.read()
      }
      restart()
    }
    context.fireChannelRead(data)
  }

  /// Counts bytes of a body that is discarded, and stops reading when there are too many.
  private func drain(_ count: Int) {
    guard var draining else { return }
    draining.bytes += count
    if draining.bytes > limits.drained, !counter.isReadSuspended {
      // The client has until the next tick to read its response, which an immediate close would discard.
      counter.isReadSuspended = true
      draining.ticks = Self.ticksPerTimeout
    }
    self.draining = draining
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case let refusal as MessageRefusal:
      malformed = MalformedRequest(refusal)
      // The error to which Hummingbird responds.
      context.fireErrorCaught(HTTPParserError.unknown)
    case is HTTPParserError:
      // The parser may find a fault in the rest of a refused message, too.
      malformed = malformed ?? MalformedRequest(.malformed)
      context.fireErrorCaught(error)
    default: context.fireErrorCaught(error)
    }
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head) where head.status.kind == .informational:
      isBodyHeldBack = false
      restart()
    case .head(let head):
      if let malformed, MalformedRequest.isResponse(head) {
        malformed.log(to: logger)
        let (head, body) = malformed.response()
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        return
      }
      if isLast(head) {
        var head = head
        head.headerFields[.connection] = "close"
        return context.write(wrapOutboundOut(.head(head)), promise: promise)
      }
    case .body: break
    case .end:
      openRequests = max(0, openRequests - 1)
      isInHeader = false
      // The response is complete and the request body is not: the rest of the body is discarded.
      if openRequests == 0, inBody { draining = (0, 0) }
      restart()
    }
    context.write(data, promise: promise)
  }

  /// Whether a response is the last on its connection: the response to a body that the client holds back and may send or not, or
  /// an error response to a body whose rest is of unknown length or too long to be discarded. `Connection: close` tells the
  /// client to send its next request on another connection.
  private func isLast(_ head: HTTPResponse) -> Bool {
    guard inBody, openRequests == 1 else { return false }
    if isBodyHeldBack { return true }
    guard head.status.code >= 400 else { return false }
    return remaining.map { $0 > limits.drained } ?? true
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    // The server has closed its side and waits for the client to close; it may have no read outstanding to notice that.
    if mode == .output, closing == nil { closing = 0 }
    context.close(mode: mode, promise: promise)
  }

  private func restart() {
    waited = 0
    receivedBefore = counter.received
  }

  private func tick(_ context: ChannelHandlerContext) {
    if hasTimedOut(context) { return context.close(promise: nil) }
    // The server may have been busy between two ticks: only a wait that spans both counts.
    guard counter.isReadPending, counter.wasReadPending else {
      counter.wasReadPending = counter.isReadPending
      return
    }
    if inBody {
      // The client waits for the server.
      guard !isBodyHeldBack else { return }
      waited += 1
      guard waited >= Self.ticksPerTimeout else { return }
      let needed = Int(limits.head / .seconds(1) * Double(limits.bytesPerSecond))
      if counter.received - receivedBefore < needed { return context.close(promise: nil) }
      restart()
    } else if openRequests == 0 {
      if !isInHeader, counter.received > receivedBefore {
        isInHeader = true
        restart()
      }
      waited += 1
      let timeout =
        isInHeader
        ? Self.ticksPerTimeout
        : Int(limits.idle / limits.head * Double(Self.ticksPerTimeout))
      if waited > timeout { context.close(promise: nil) }
    }
  }

  /// Whether the client has used up its time to receive a response, to close the connection after the last response, or to
  /// finish a body that is discarded.
  private func hasTimedOut(_ context: ChannelHandlerContext) -> Bool {
    let (buffered, sent) = counter.outgoing(context.channel)
    if buffered > 0, sent == stalled.sent {
      stalled.ticks += 1
    } else {
      stalled = (0, sent)
    }
    // The time for closing begins when the last response has been sent.
    if buffered == 0 { closing = closing.map { $0 + 1 } }
    draining?.ticks += 1
    return stalled.ticks > Self.ticksPerTimeout || closing.map { $0 > Self.ticksPerTimeout } ?? false
      || draining.map { $0.ticks > Self.ticksPerTimeout } ?? false
  }
}
