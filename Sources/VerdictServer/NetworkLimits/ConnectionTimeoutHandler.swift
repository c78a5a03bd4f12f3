import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Closes connections whose client keeps the server waiting, sending or reading, and those beyond what an address may have.
///
/// It stands twice in a connection's pipeline, at the bytes and at the parts of requests. A timer looks a few times within
/// each limit, so that a request costs a few additions and no look at a clock. Time in which the server does not ask for
/// more (it is busy with what came, or holds the client up) does not count.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  /// How often a limit's time is looked at.
  private static let looks = 4

  private let limits: ConnectionLimits
  private let counts: ConnectionCounts
  private let logger: Logger
  private let bytes = ByteWatch()
  private var timer: RepeatedTask?
  /// Under what the connection is counted.
  private var counted: String?
  /// Requests whose header section has come and whose answer has not gone.
  private var open = 0
  /// A body is coming.
  private var inBody = false
  /// How many bytes of it are still to come; `nil` where that was not said.
  private var remaining: Int?
  /// Looks for which the present wait has lasted.
  private var waited = 0
  /// Bytes of the body at the wait's beginning.
  private var bytesBefore = 0
  /// A request or nothing at all has begun since the last one ended.
  private var isFresh = true
  /// Looks for which the network has taken nothing of what waits for it, and how much it had taken before.
  private var stalled = (looks: 0, taken: 0)
  /// Looks since there was nothing more to be said on the connection; `nil` before.
  private var ending: Int?
  /// Bytes and looks since a body's answer went before the body had come; `nil` while that is not so.
  private var drained: (bytes: Int, looks: Int)?
  /// What came was no HTTP: the answer to it is on its way.
  private var unreadable: UnreadableRequest?

  init(_ limits: ConnectionLimits, _ counts: ConnectionCounts, logger: Logger) {
    self.limits = limits
    self.counts = counts
    self.logger = logger
  }

  func handlerAdded(context: ChannelHandlerContext) {
    do {
      try context.pipeline.syncOperations.addHandler(bytes, position: .first)
    } catch {
      context.fireErrorCaught(error)
    }
    let look = TimeAmount.nanoseconds(Int64(limits.head.inSeconds * 1e9) / Int64(Self.looks))
    // The timer's closure and this handler belong to the channel's event loop.
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: look, delay: look) { _ in
      let (watch, context) = bound.value
      watch.look(context)
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { end() }

  func channelActive(context: ChannelHandlerContext) {
    // Not earlier: a channel that is closed before it is registered looks to the server like a failure of its own.
    switch counts.entered(context.channel.remoteAddress?.ipAddress ?? "") {
    case .counted(let key): counted = key
    case .exempt: break
    case .refused:
      logger.debug("an address has too many connections")
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
    if let counted { counts.left(counted) }
    counted = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      open += 1
      inBody = true
      remaining = head.headerFields[.contentLength].flatMap { Int($0) }
      restart()
    case .body(let buffer):
      remaining = remaining.map { $0 - buffer.readableBytes }
      drain(buffer.readableBytes)
    case .end:
      inBody = false
      drained = nil
      if bytes.isHeld {
        bytes.isHeld = false
        context.read()
      }
      restart()
    }
    context.fireChannelRead(data)
  }

  /// Bytes of a body came; one that is read for nothing has its bounds.
  private func drain(_ count: Int) {
    guard var drained else { return }
    drained.bytes += count
    if drained.bytes > limits.drained, !bytes.isHeld {
      // No more of it. Until the next look the client may read its answer, which would be lost if this end closed at once.
      bytes.isHeld = true
      drained.looks = Self.looks
    }
    self.drained = drained
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if error is HTTPParserError { unreadable = UnreadableRequest() }
    context.fireErrorCaught(error)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    switch unwrapOutboundIn(data) {
    case .head(let head):
      if let unreadable, UnreadableRequest.isAnswered(by: head) {
        unreadable.log(to: logger)
        let (head, body) = unreadable.answer()
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
      open = max(0, open - 1)
      isFresh = false
      // The answer is complete and the body is not: what still comes of it is read for nothing.
      if open == 0, inBody { drained = (0, 0) }
      restart()
    }
    context.write(data, promise: promise)
  }

  /// Whether an answer is the connection's last: it refuses a body of which more is to come than will be read, or nobody knows
  /// how much. A client that is told so does not send its next request there.
  private func isLast(_ head: HTTPResponse) -> Bool {
    guard inBody, open == 1, head.status.code >= 400 else { return false }
    return remaining.map { $0 > limits.drained } ?? true
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    // From here on the server waits for the client to close, too, and perhaps reads no more to learn of it.
    if mode == .output, ending == nil { ending = 0 }
    context.close(mode: mode, promise: promise)
  }

  private func restart() {
    waited = 0
    bytesBefore = bytes.count
  }

  private func look(_ context: ChannelHandlerContext) {
    if isOver(context) { return context.close(promise: nil) }
    // Between two looks the server may have been busy: only a wait that lasts from one to the next counts.
    guard bytes.isAwaited, bytes.wasAwaited else {
      bytes.wasAwaited = bytes.isAwaited
      return
    }
    if inBody {
      waited += 1
      guard waited >= Self.looks else { return }
      let needed = Int(limits.head.inSeconds * Double(limits.bytesPerSecond))
      if bytes.count - bytesBefore < needed { return context.close(promise: nil) }
      restart()
    } else if open == 0 {
      // Before the first request, and from the first byte of a further one, a header section is awaited.
      if !isFresh, bytes.count > bytesBefore {
        isFresh = true
        restart()
      }
      waited += 1
      let timeout =
        isFresh ? Self.looks : Int(limits.idle.inSeconds / limits.head.inSeconds * Double(Self.looks))
      if waited > timeout { context.close(promise: nil) }
    }
  }

  /// Whether the client has had its time to take in an answer, to close after the last one, or to end a body that nobody
  /// wants any more.
  private func isOver(_ context: ChannelHandlerContext) -> Bool {
    let (waiting, taken) = bytes.outgoing(context.channel)
    if waiting > 0, taken == stalled.taken {
      stalled.looks += 1
    } else {
      stalled = (0, taken)
    }
    // A last answer that is on its way still has the client's time.
    if waiting == 0 { ending = ending.map { $0 + 1 } }
    drained?.looks += 1
    return stalled.looks > Self.looks || ending.map { $0 > Self.looks } ?? false
      || drained.map { $0.looks > Self.looks } ?? false
  }
}
