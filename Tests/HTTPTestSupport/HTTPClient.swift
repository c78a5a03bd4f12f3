import NIOCore
import NIOHTTP1
import NIOPosix

/// An HTTP client for tests. Each request has a connection of its own, and tests control every byte of a request, so that they can
/// send invalid ones.
public struct HTTPClient: Sendable {
  /// The port of the server on this host.
  public var port: Int
  /// The API key to send, if any.
  public var key: String?
  /// The timeout for the complete response.
  public var timeout: Duration

  /// Creates a client of the server at `port`.
  public init(port: Int, key: String? = nil, timeout: Duration = .seconds(300)) {
    self.port = port
    self.key = key
    self.timeout = timeout
  }

  /// The body of a request.
  public enum Payload: Sendable {
    /// No body: `Content-Length: 0`.
    case none
    /// A complete body with `Content-Length`.
    case bytes([UInt8])
    /// A chunked body, sent as the stream yields.
    case chunks(AsyncStream<[UInt8]>)
    /// A `Content-Length` that promises more bytes than are sent.
    case promised(length: Int, sent: [UInt8])
  }

  /// The connection ended, or the timeout expired, before the response was complete.
  public struct NoAnswer: Error {}

  /// Sends a request and waits for the complete response.
  ///
  /// - Throws: ``NoAnswer``, or the error of the connection attempt.
  public func send(
    _ method: String, _ path: String, headers: [String: String] = [:], body: Payload = .none
  ) async throws -> Answer {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.seconds(60))
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(
            wrappingChannelSynchronously: channel)
        }
      }
    let connection = channel.channel
    let alarm = connection.eventLoop.scheduleTask(in: TimeAmount(timeout)) { connection.close(promise: nil) }
    defer { alarm.cancel() }
    let head = head(method, path, headers, body)
    do {
      return try await channel.executeThenClose { inbound, outbound in
        try await withThrowingTaskGroup(of: Answer?.self) { group in
          group.addTask {
            // A server may respond and close before it has read the whole request: only the response counts.
            try? await Self.write(head, body, to: outbound)
            return nil
          }
          group.addTask { try await Self.read(inbound) }
          defer { group.cancelAll() }
          for try await answer in group { if let answer { return answer } }
          throw NoAnswer()
        }
      }
    } catch is ChannelError {
      throw NoAnswer()
    }
  }

  private func head(
    _ method: String, _ path: String, _ headers: [String: String], _ body: Payload
  ) -> HTTPRequestHead {
    var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
    fields.replaceOrAdd(name: "Host", value: "127.0.0.1")
    fields.replaceOrAdd(name: "Connection", value: "close")
    if let key, !fields.contains(name: "Authorization") {
      fields.add(name: "Authorization", value: "Bearer \(key)")
    }
    switch body {
    case .none: fields.add(name: "Content-Length", value: "0")
    case .bytes(let bytes): fields.add(name: "Content-Length", value: "\(bytes.count)")
    case .promised(let length, _): fields.add(name: "Content-Length", value: "\(length)")
    case .chunks: fields.add(name: "Transfer-Encoding", value: "chunked")
    }
    return HTTPRequestHead(version: .http1_1, method: .init(rawValue: method), uri: path, headers: fields)
  }

  private static func write(
    _ head: HTTPRequestHead, _ body: Payload,
    to outbound: NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
  ) async throws {
    try await outbound.write(.head(head))
    switch body {
    case .none: break
    case .bytes(let bytes): try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: bytes))))
    case .chunks(let chunks):
      for await chunk in chunks { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: chunk)))) }
      try Task.checkCancellation()
    case .promised(_, let sent):
      try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: sent))))
      // The connection stays open without the end of the body, as that of a stalled client.
      return
    }
    try await outbound.write(.end(nil))
  }

  private static func read(
    _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>
  ) async throws -> Answer {
    var answer: Answer?
    for try await part in inbound {
      switch part {
      case .head(let head):
        // An interim response (100 Continue) precedes the final one.
        guard head.status.code >= 200 else { continue }
        let headers = head.headers.map { ($0.name.lowercased(), $0.value) }
        answer = Answer(
          status: Int(head.status.code), headers: Dictionary(headers) { "\($0), \($1)" }, body: [])
      case .body(let buffer): answer?.body.append(contentsOf: buffer.readableBytesView)
      case .end: if let answer { return answer }
      }
    }
    throw NoAnswer()
  }
}
