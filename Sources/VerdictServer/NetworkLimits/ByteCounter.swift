import NIOCore

/// Counts a connection's bytes, nearest to the network, and knows whether more of them are asked for.
final class ByteWatch: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = IOData

  /// Bytes that came.
  private(set) var count = 0
  /// The server asks for more.
  private(set) var isAwaited = false
  /// It did so at the last look.
  var wasAwaited = false
  /// Nothing more is taken from the network, whoever asks.
  var isHeld = false
  /// Bytes that went out of the server's hands, as far as the next look has seen.
  private var written = 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    count += unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isAwaited = false
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    guard !isHeld else { return }
    isAwaited = true
    context.read()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    written += unwrapOutboundIn(data).readableBytes
    context.write(data, promise: promise)
  }

  /// How many bytes wait to be taken by the network, and how many it has taken so far.
  func outgoing(_ channel: any Channel) -> (waiting: Int, taken: Int) {
    let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    return (waiting, written - waiting)
  }
}
