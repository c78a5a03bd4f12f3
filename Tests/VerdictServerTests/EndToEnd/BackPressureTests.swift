import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import Synchronization
import Testing

/// A client that sends faster than its rows are taken is held up, instead of filling the server's memory.
@Suite struct BackPressureTests {
  @Test(.timeLimit(.minutes(3)), arguments: ["text/csv", "application/x-ndjson"])
  func aStreamThatNobodyReadsIsHeldUp(type: String) async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let megabytes = 24
      let line = Array((type == "text/csv" ? "1,red,1" : #"{"features":{"x":1,"c":"red"},"label":1}"#).utf8)
      // One row in 256, the others blank: much to send, little to store.
      let piece = Array((0..<256).map { _ in [UInt8(ascii: "\n")] }.joined())
      let chunk = (0..<1_024).flatMap { $0 % 4 == 0 ? line + piece : piece }
      let header = type == "text/csv" ? Array("x,c,label\n".utf8) : []
      let count = (megabytes << 20) / chunk.count
      let sent = Sent()
      let chunks = AsyncStream<[UInt8]> {
        let number = sent.next()
        guard number < count else { return nil }
        return number == 0 ? header + chunk : chunk
      }
      let post = Task {
        try await client.send(
          "POST", "/v1/datasets/d/labels", headers: ["Content-Type": type], body: .chunks(chunks))
      }
      // While this lock is held, the server cannot even find out what the rows must look like.
      try await server.domain.asOwner { connection in
        try await connection.transaction { tx in
          try await tx.query("LOCK TABLE datasets IN ACCESS EXCLUSIVE MODE")
          var before = -1
          while sent.value != before || before < 1 {
            before = sent.value
            try await Task.sleep(for: .milliseconds(300))
          }
          // What the sockets and the server's first buffers hold.
          #expect(before * chunk.count < 12 << 20, "\(before * chunk.count) bytes")
        }
      }
      let answer = try HTTPClient.expect(201, try await post.value)
      #expect(answer.json["inserted"].int == count * 256)
    }
  }
}

/// How many chunks were asked for.
private final class Sent: Sendable {
  private let count = Mutex(0)

  var value: Int { count.withLock { $0 } }

  func next() -> Int {
    count.withLock { count in
      defer { count += 1 }
      return count
    }
  }
}
