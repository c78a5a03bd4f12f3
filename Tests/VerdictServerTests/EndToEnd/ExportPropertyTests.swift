import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import Testing

/// For any schema and values, posting an export gives the same rows and the same export.
@Suite struct ExportPropertyTests {
  @Test(.timeLimit(.minutes(10)))
  func randomExportsRoundTrip() async throws {
    try await TestServer.with(worker: false) { server in
      for seed in 0..<12 { try await check(seed: seed, server) }
    }
  }

  private func check(seed: Int, _ server: TestServer) async throws {
    let client = server.client
    var random = RandomDataset(seed: UInt64(seed))
    let declaration = random.declaration()
    let (one, two) = ("one-\(seed)", "two-\(seed)")
    for name in [one, two] { try await client.makeDataset(name, declaration) }
    for _ in 0..<Int.random(in: 1...4, using: &random.generator) {
      let lines = random.lines(count: .random(in: 1...60, using: &random.generator), of: declaration)
      let added = try await client.send(
        "POST", "/v1/datasets/\(one)/labels", text: lines, as: "application/x-ndjson")
      guard added.status == 201 else {
        Issue.record("seed \(seed): \(added)")
        return
      }
    }
    // Some rows come from predictions or were created at other times, which an export does not contain.
    try await server.domain.asOwner { connection in
      try await connection.query(
        """
        UPDATE labels SET prediction_id = gen_random_uuid(), created_at = created_at - id * interval '1 hour'
        WHERE key IS NULL AND id % 5 = 0
        """)
    }
    var exports: [String: [UInt8]] = [:]
    for (form, type) in [("csv", "text/csv"), ("ndjson", "application/x-ndjson")] {
      let first = try await client.get("/v1/datasets/\(one)/labels.\(form)")
      let back = try await client.send(
        "POST", "/v1/datasets/\(two)/labels", headers: ["Content-Type": type], body: .bytes(first.body))
      #expect(back.status == 201, "seed \(seed): \(back)")
      let second = try await client.get("/v1/datasets/\(two)/labels.\(form)")
      #expect(second.body == first.body, "seed \(seed): \(type)")
      // The rows, as lists return them.
      let before = try await rows(one, client)
      let after = try await rows(two, client)
      #expect(before == after, "seed \(seed): \(type)")
      exports[type] = first.body
      _ = try await client.delete("/v1/datasets/\(two)/labels?all=true")
    }
    // Both formats carry the same information.
    let crossed = try await client.send(
      "POST", "/v1/datasets/\(two)/labels", headers: ["Content-Type": "text/csv"],
      body: .bytes(exports["text/csv"] ?? []))
    #expect(crossed.status == 201)
    let lines = try await client.get("/v1/datasets/\(two)/labels.ndjson")
    #expect(lines.body == exports["application/x-ndjson"], "seed \(seed)")
  }

  private func rows(_ name: String, _ client: HTTPClient) async throws -> [[JSON]] {
    let page = try await client.get("/v1/datasets/\(name)/labels?limit=1000").json
    return page["data"].elements.map { [$0["features"], $0["label"], $0["key"]] }
  }
}
