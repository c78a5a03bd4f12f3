import HTTPTestSupport
import NIOCore
import NIOPosix

/// A connection on which a test controls what is sent and when the response is read.
enum RawConnection {
  /// Sends a request and runs the closure with the response's bytes. Until the closure reads, only what fits into small socket
  /// buffers is received.
  static func with<T: Sendable>(
    _ client: HTTPClient, _ method: String, _ path: String, headers: [String: String] = [:],
    _ body: @Sendable (NIOAsyncChannelInboundStream<ByteBuffer>) async throws -> T
  ) async throws -> T {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .channelOption(.socketOption(.so_rcvbuf), value: 8 << 10)
      .connect(host: "127.0.0.1", port: client.port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        }
      }
    var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if let key = client.key { head += "Authorization: Bearer \(key)\r\n" }
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    let request = ByteBuffer(string: head + "\r\n")
    return try await channel.executeThenClose { inbound, outbound in
      try await outbound.write(request)
      return try await body(inbound)
    }
  }
}
