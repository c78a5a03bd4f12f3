import NIOCore
import NIOHTTP1
import NIOPosix

/// A client of a server on this host, for tests: one connection a request, and every byte of a request under control, so
/// that broken ones can be sent, too.
public struct HTTPClient: Sendable {
  /// Port of the server.
  public var port: Int
  /// The API key to send; none without one.
  public var key: String?
  /// How long an answer may take, with its body.
  public var timeout: Duration

  /// A client of the server at `port`.
  public init(port: Int, key: String? = nil, timeout: Duration = .seconds(60)) {
    self.port = port
    self.key = key
    self.timeout = timeout
  }

  /// What goes out as a request's body.
  public enum Payload: Sendable {
    /// Nothing, and `Content-Length: 0`.
    case none
    /// All of it, with its length.
    case bytes([UInt8])
    /// In chunks, as they come.
    case chunks(AsyncStream<[UInt8]>)
    /// A promise of more bytes than are sent.
    case promised(length: Int, sent: [UInt8])
  }

  /// The connection ended, or the time was up, before the whole answer was there.
  public struct NoAnswer: Error {}

  /// Sends a request and waits for the whole answer.
  ///
  /// - Throws: ``NoAnswer``, or what kept the connection from being made.
  public func send(
    _ method: String, _ path: String, headers: [String: String] = [:], body: Payload = .none
  ) async throws -> Answer {
    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .connectTimeout(.seconds(10))
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
            // A server may answer and close before it has read everything: what counts is the answer.
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
      // The end would be an error of ours: the connection stays open, as that of a stalled client does.
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
        // An interim answer (100 Continue) is followed by the real one.
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
