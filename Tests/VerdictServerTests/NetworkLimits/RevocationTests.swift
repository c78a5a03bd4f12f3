import HTTPTestSupport
import NIOCore
import Testing
import TestSupport
import VerdictCore

@testable import VerdictServer

/// Revoking a key ends its long requests.
@Suite struct RevocationTests {
  /// A client with a key of its own, and a closure that revokes the key.
  private func brief(_ server: TestServer) async throws -> (
    client: HTTPClient, revoke: @Sendable () async throws -> Void
  ) {
    let made = try await server.client.post("/v1/keys", ["name": "brief", "role": "admin"])
    let (key, id) = (try #require(made.json["secret"].string), try #require(made.json["id"].int))
    return (
      server.client.with(key: key),
      { _ = try HTTPClient.expect(204, try await server.client.delete("/v1/keys/\(id)")) }
    )
  }

  /// A body that sends `piece` again and again until the task is cancelled.
  private func drip(_ first: [UInt8], _ piece: [UInt8]) -> (
    chunks: AsyncStream<[UInt8]>, source: Task<Void, Never>
  ) {
    let (chunks, more) = AsyncStream<[UInt8]>.makeStream()
    more.yield(first)
    let source = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .milliseconds(50))
        more.yield(piece)
      }
      more.finish()
    }
    return (chunks, source)
  }

  @Test(.timeLimit(.minutes(10)))
  func revocationEndsPredictionStreams() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let (client, revoke) = try await brief(server)
      let row = Array("{\"features\":{\"x\":1}}\n".utf8)
      let (chunks, source) = drip(row, row)
      let answer = Task {
        try await client.send(
          "POST", "/v1/datasets/d/predictions/batch.ndjson",
          headers: ["Content-Type": "application/x-ndjson"],
          body: .chunks(chunks))
      }
      _ = try await eventually {
        try await server.client.get("/v1/usage").json["predictions"]["used"].int ?? 0 > 3 ? true : nil
      }
      try await revoke()
      let lines = try await answer.value.text.split(separator: "\n").map { try JSON(parsing: $0.utf8) }
      source.cancel()
      #expect(lines.count > 3)
      #expect(lines.last?["error"]["type"] == "/problems/unauthorized")
      #expect(lines.dropLast().allSatisfy { $0["id"].string != nil })
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func revocationDiscardsUploads() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      let (client, revoke) = try await brief(server)
      // Far fewer rows than a batch, and more bytes than the server reads ahead.
      let blank = [UInt8](repeating: UInt8(ascii: "\n"), count: 2 << 20)
      let (chunks, source) = drip(Array("x,c,label\n1,red,1\n".utf8) + blank, Array("1,red,1\n".utf8))
      let answer = Task {
        try await client.send(
          "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "text/csv"], body: .chunks(chunks))
      }
      _ = try await eventually { try await server.permitsTaken() == 1 ? true : nil }
      try await revoke()
      // The upload is refused while its body continues.
      #expect(try await answer.value.problem == "unauthorized")
      source.cancel()
      #expect(try await server.client.labelsStored() == 0)
      _ = try await eventually { try await server.permitsTaken() == 0 ? true : nil }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func revocationEndsEventStreams() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      try await server.client.addLabels(SmallData.rows(60))
      let (client, revoke) = try await brief(server)
      let place = try #require(
        try await client.send("POST", "/v1/datasets/d/training-jobs").headers["location"])
      let text = try await RawConnection.with(client, "GET", place + "/events") { inbound in
        var text = ""
        for try await piece in inbound {
          // The first events have come; then the stream breaks off.
          if text.isEmpty { try await revoke() }
          text += String(buffer: piece)
          if text.hasSuffix("\r\n0\r\n\r\n") { break }
        }
        return text
      }
      #expect(text.contains("200 OK"))
      #expect(!text.contains("succeeded") && !text.contains("cancelled"))
      #expect(try await server.client.get(place).json["state"] == "queued")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func revocationBreaksOffExports() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      try await server.fill(rows: 40_000)
      let (client, revoke) = try await brief(server)
      let text = try await RawConnection.with(client, "GET", "/v1/datasets/d/labels.ndjson") { inbound in
        try await revoke()
        // A validated key is cached for up to a second.
        try await Task.sleep(for: .seconds(2))
        var (bytes, end) = (0, ByteBuffer())
        do {
          for try await piece in inbound {
            bytes += piece.readableBytes
            end = piece
          }
        } catch is any Error {
          // The server closed the connection before the end of the response.
        }
        return (bytes, String(decoding: end.readableBytesView.suffix(7), as: UTF8.self))
      }
      #expect(text.0 < 40_000_000)
      // The final chunk, which marks a complete response, is missing.
      #expect(!text.1.hasSuffix("0\r\n\r\n"))
      _ = try await eventually { try await server.permitsTaken() == 0 ? true : nil }
    }
  }
}
