import NIOCore

/// Counts the bytes of a connection at the network end of its pipeline, and records whether the server has asked for more.
///
/// ``ConnectionTimeoutHandler`` reads the counters. All state belongs to the channel's event loop.
final class ByteCounter: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = IOData

  /// Bytes received.
  private(set) var received = 0
  /// Whether a read is outstanding: the server waits for the client.
  private(set) var isReadPending = false
  /// ``isReadPending`` at the previous tick of the timer.
  var wasReadPending = false
  /// Suppresses further reads from the network.
  var isReadSuspended = false
  /// Bytes that the server has written to the channel.
  private var written = 0

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    received += unwrapInboundIn(data).readableBytes
    context.fireChannelRead(data)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReadPending = false
    context.fireChannelReadComplete()
  }

  func read(context: ChannelHandlerContext) {
    guard !isReadSuspended else { return }
    isReadPending = true
    context.read()
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    written += unwrapOutboundIn(data).readableBytes
    context.write(data, promise: promise)
  }

  /// The number of bytes that are buffered for sending, and the number that the network has accepted so far.
  func outgoing(_ channel: any Channel) -> (buffered: Int, sent: Int) {
    let buffered = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    return (buffered, written - buffered)
  }
}
