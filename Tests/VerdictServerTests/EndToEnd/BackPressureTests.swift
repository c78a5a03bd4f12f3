import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Synchronization
import Testing

/// Back-pressure slows a client that sends faster than its rows are stored.
@Suite struct BackPressureTests {
  @Test(.timeLimit(.minutes(10)), arguments: ["text/csv", "application/x-ndjson"])
  func unreadStreamsAreSlowedDown(type: String) async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let line = Array((type == "text/csv" ? "1,red,1" : #"{"features":{"x":1,"c":"red"},"label":1}"#).utf8)
      // One row in four blocks of blank lines: many bytes to send, few rows to store.
      let blank = [UInt8](repeating: UInt8(ascii: "\n"), count: 256)
      let chunk = (0..<1_024).flatMap { $0 % 4 == 0 ? line + blank : blank }
      let header = type == "text/csv" ? Array("x,c,label\n".utf8) : []
      // The body continues until the test stops it.
      let sent = Sent()
      let chunks = AsyncStream<[UInt8]> { sent.next().map { $0 == 0 ? header + chunk : chunk } }
      let bound = (Self.socketBuffers + (8 << 20)) / chunk.count
      // While this lock is held, the server cannot read the dataset's schema.
      let post = try await server.domain.asOwner { connection in
        try await connection.transaction { tx in
          try await tx.query("LOCK TABLE datasets IN ACCESS EXCLUSIVE MODE")
          let post = Task {
            try await client.send(
              "POST", "/v1/datasets/d/labels", headers: ["Content-Type": type], body: .chunks(chunks))
          }
          var before = -1
          while sent.value < 1 || sent.value != before, sent.value <= bound {
            before = sent.value
            try await Task.sleep(for: .seconds(1))
          }
          sent.stop()
          return post
        }
      }
      #expect(sent.value <= bound, "\(sent.value * chunk.count) bytes were taken in")
      let answer = try HTTPClient.expect(201, try await post.value)
      #expect(answer.json["inserted"].int == sent.value * 256)
    }
  }

  /// The bytes that the kernel buffers for a connection that nobody reads: the maximum of its buffers (tcp(7)). The buffers of
  /// both programs add some megabytes.
  private static var socketBuffers: Int {
    ["tcp_rmem", "tcp_wmem"].reduce(0) { sum, name in
      let text = (try? String(contentsOfFile: "/proc/sys/net/ipv4/\(name)", encoding: .utf8)) ?? ""
      return sum + (text.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 8 << 20)
    }
  }
}

/// Counts the chunks that were requested.
private final class Sent: Sendable {
  private let state = Mutex((count: 0, isStopped: false))

  var value: Int { state.withLock { $0.count } }

  func stop() { state.withLock { $0.isStopped = true } }

  /// The number of the next chunk; `nil` after ``stop()``.
  func next() -> Int? {
    state.withLock { state in
      guard !state.isStopped else { return nil }
      defer { state.count += 1 }
      return state.count
    }
  }
}
