import NIOCore
import NIOHTTPTypes

/// How long a client may take, and how large its headers may be.
public struct ConnectionLimits: Sendable {
  /// For the header section of a request, from its first byte (or the connection's beginning, TLS handshake included).
  public var head: Duration = .seconds(15)
  /// Between two requests on a connection.
  public var idle: Duration = .seconds(75)
  /// How many bytes a second of a body must come while the server waits for them, over ``head``.
  public var bytesPerSecond = 100
  /// Connections at a time; more wait to be accepted.
  public var connections = 10_000
  /// Bytes of one header field or of the request line.
  public var headerField = 64 << 10
  /// Bytes of all header fields.
  public var headerList = 80 << 10
  /// How many header fields.
  public var headerCount = 100

  /// The default limits.
  public init() {}
}

/// Closes connections whose client keeps the server waiting.
///
/// It stands twice in a connection's pipeline, at the bytes and at the parts of requests. A timer looks a few times within
/// each limit, so that a request costs a few additions and no look at a clock. Time in which the server does not ask for
/// more (it is busy with what came, or holds the client up) does not count.
final class ConnectionWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart

  /// How often a limit's time is looked at.
  private static let looks = 4

  private let limits: ConnectionLimits
  private let bytes = ByteWatch()
  private var timer: RepeatedTask?
  /// Requests whose header section has come and whose answer has not gone.
  private var open = 0
  /// A body is coming.
  private var inBody = false
  /// Looks for which the present wait has lasted.
  private var waited = 0
  /// Bytes of the body at the wait's beginning.
  private var counted = 0
  /// A request or nothing at all has begun since the last one ended.
  private var isFresh = true

  init(_ limits: ConnectionLimits) {
    self.limits = limits
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

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head:
      open += 1
      inBody = true
      restart()
    case .body: break
    case .end:
      inBody = false
      restart()
    }
    context.fireChannelRead(data)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    if case .end = unwrapOutboundIn(data) {
      open = max(0, open - 1)
      isFresh = false
      restart()
    }
    context.write(data, promise: promise)
  }

  private func restart() {
    waited = 0
    counted = bytes.count
  }

  private func look(_ context: ChannelHandlerContext) {
    // Between two looks the server may have been busy: only a wait that lasts from one to the next counts.
    guard bytes.isAwaited, bytes.wasAwaited else {
      bytes.wasAwaited = bytes.isAwaited
      return
    }
    if inBody {
      waited += 1
      guard waited >= Self.looks else { return }
      let needed = Int(limits.head.inSeconds * Double(limits.bytesPerSecond))
      if bytes.count - counted < needed { return context.close(promise: nil) }
      restart()
    } else if open == 0 {
      // Before the first request, and from the first byte of a further one, a header section is awaited.
      if !isFresh, bytes.count > counted {
        isFresh = true
        restart()
      }
      waited += 1
      let patience =
        isFresh ? Self.looks : Int(limits.idle.inSeconds / limits.head.inSeconds * Double(Self.looks))
      if waited > patience { context.close(promise: nil) }
    }
  }
}

/// Counts a connection's bytes, and knows whether more of them are asked for.
private final class ByteWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  var count = 0
  var isAwaited = false
  var wasAwaited = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    count += unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isAwaited = false
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    isAwaited = true
    context.read()
  }
}
