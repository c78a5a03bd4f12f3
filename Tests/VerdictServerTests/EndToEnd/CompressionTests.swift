import HTTPTestSupport
import Testing

/// Compressed request bodies.
@Suite struct CompressionTests {
  private func post(
    _ client: HTTPClient, _ bytes: [UInt8], _ coding: String, as type: String = "text/csv"
  ) async throws -> Answer {
    try await client.send(
      "POST", "/v1/datasets/d/labels", headers: ["Content-Type": type, "Content-Encoding": coding],
      body: .bytes(bytes))
  }

  @Test(.timeLimit(.minutes(10)))
  func everyTypeIsAcceptedInEveryCoding() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let rows = SmallData.rows(200)
      let bodies = [
        ("application/json", SmallData.batch(rows).text),
        ("application/x-ndjson", rows.map { $0.json.text + "\n" }.joined()),
        ("text/csv", SmallData.csv(rows)),
      ]
      let codings: [(String, ([UInt8]) -> [UInt8])] = [
        ("gzip", Gzip.stored), ("x-gzip", Gzip.stored), ("zstd", Zstd.stored), ("ZSTD", Zstd.stored),
        ("identity", { $0 }),
        // Concatenated members or frames form one body.
        ("gzip", { Gzip.stored(Array($0.prefix(77))) + Gzip.stored(Array($0.dropFirst(77))) }),
        ("zstd", { Zstd.stored(Array($0.prefix(77))) + Zstd.stored(Array($0.dropFirst(77))) }),
      ]
      for (type, text) in bodies {
        for (name, compress) in codings {
          let answer = try await post(client, compress(Array(text.utf8)), name, as: type)
          #expect(answer.status == 201, "\(type) \(name): \(answer)")
          #expect(answer.json["inserted"] == 200)
        }
      }
      let labels = try await client.get("/v1/datasets/d/labels?limit=1000").json["data"].elements
      let expected = (0..<5).flatMap { _ in rows.map(\.features) }
      #expect(labels.map { $0["features"] } == expected)
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["br", "deflate", "gzip, zstd", "compress", "zst"])
  func unknownCodingsAreRefused(coding: String) async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      let answer = try await post(server.client, Array("x,label\n1,1\n".utf8), coding)
      #expect(answer.status == 415)
      #expect(answer.problem == "unsupported-media-type")
      #expect(answer.headers["accept-encoding"] == "gzip, zstd")
      #expect(answer.json["detail"].string?.contains("gzip or zstd") == true)
    }
  }

  /// A few kilobytes that decompress to gigabytes.
  @Test(.timeLimit(.minutes(10)), arguments: ["application/json", "application/x-ndjson", "text/csv"])
  func decompressionBombsAreTooLarge(type: String) async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let answer = try await post(client, Zstd.bomb(megabytes: 1_200), "zstd", as: type)
      #expect(answer.status == 413, "\(answer)")
      #expect(answer.problem == "body-too-large")
      #expect(try await client.labelsStored() == 0)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func brokenFramesAreMalformed() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let before = try await server.stored()
      let whole = Zstd.stored(Array(SmallData.csv(SmallData.rows(50)).utf8))
      var window = whole
      // A window of 16 MiB exceeds what the content coding allows.
      window[5] = 14 << 3
      let broken: [[UInt8]] = [
        Array(whole.dropLast()), Array(whole.prefix(3)), whole + [1, 2, 3, 4], [], window,
        Array("x,label\n".utf8),
        Gzip.stored(Array("x,label\n1,1\n".utf8)),
      ]
      for bytes in broken {
        let answer = try await post(client, bytes, "zstd")
        #expect(answer.status == 400, "\(answer)")
        #expect(answer.problem == "malformed-body")
      }
      #expect(try await server.stored() == before)
    }
  }
}
