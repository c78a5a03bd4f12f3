import HTTPTestSupport
import Testing

/// A repeated request with the same Idempotency-Key gets the first response and has no effect.
@Suite struct ReplayTests {
  /// A request, and the list that counts its effects.
  private struct Case {
    var path: String
    var body: JSON
    var other: JSON
    /// The path of the list to which the request adds an item.
    var counted: String
  }

  @Test(.timeLimit(.minutes(10)))
  func repeatedRequestsAreReplayed() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await client.train()
      let rows = SmallData.rows(4)
      let path = "/v1/datasets/d"
      let cases = [
        Case(
          path: "\(path)/labels", body: SmallData.batch(rows), other: SmallData.batch([rows[0]]),
          counted: "\(path)/labels?limit=1000"),
        Case(
          path: "\(path)/training-jobs", body: ["seed": 1], other: ["seed": 2],
          counted: "\(path)/training-jobs"),
        Case(
          path: "\(path)/predictions", body: ["features": rows[0].features],
          other: ["features": rows[1].features], counted: "\(path)/predictions"),
        Case(
          path: "\(path)/predictions/batch",
          body: ["predictions": .array(rows.map { ["features": $0.features] })],
          other: ["predictions": [["features": rows[1].features]]], counted: "\(path)/predictions"),
        Case(
          path: "/v1/keys", body: ["name": "shop", "role": "predict"],
          other: ["name": "shop", "role": "read"],
          counted: "/v1/keys"),
        Case(
          path: "/v1/datasets", body: ["name": "e", "features": SmallData.features],
          other: ["name": "f", "features": SmallData.features], counted: "/v1/datasets"),
      ]
      for (number, one) in cases.enumerated() { try await check(one, "key-\(number)", client) }
    }
  }

  private func check(_ one: Case, _ key: String, _ client: HTTPClient) async throws {
    let headers = ["Idempotency-Key": key]
    let first = try await client.post(one.path, one.body, headers: headers)
    #expect((200..<300).contains(first.status), "\(one.path): \(first)")
    #expect(first.headers["idempotency-replayed"] == nil)
    let count = try await client.get(one.counted).json["data"].elements.count

    for _ in 0..<2 {
      let again = try await client.post(one.path, one.body, headers: headers)
      #expect(again.status == first.status, "\(one.path)")
      #expect(again.headers["idempotency-replayed"] == "true", "\(one.path)")
      #expect(again.headers["location"] == first.headers["location"], "\(one.path)")
      if one.path == "/v1/keys" {
        #expect(first.json["secret"].string != nil)
        #expect(again.json["secret"] == .null)
        #expect(again.json["id"] == first.json["id"])
      } else {
        #expect(again.body == first.body, "\(one.path)")
      }
    }
    let reused = try await client.post(one.path, one.other, headers: headers)
    #expect(reused.status == 422, "\(one.path): \(reused)")
    #expect(reused.problem == "idempotency-key-reused")
    #expect(try await client.get(one.counted).json["data"].elements.count == count, "\(one.path)")
  }

  @Test(.timeLimit(.minutes(10)))
  func concurrentRepeatsTakeEffectOnce() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let body = SmallData.batch(SmallData.rows(500))
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask {
            try await client.post("/v1/datasets/d/labels", body, headers: ["Idempotency-Key": "once"]).status
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      // 201, or 409 while another request with the key is in progress.
      #expect(statuses.allSatisfy { [201, 409].contains($0) }, "\(statuses)")
      #expect(statuses.contains(201))
      #expect(try await client.labelsStored() == 500)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func refusedRequestsMayBeCorrectedUnderTheirKey() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let headers = ["Idempotency-Key": "fix"]
      let wrong = try await client.post("/v1/datasets/d/labels", ["labels": []], headers: headers)
      #expect(wrong.status == 422)
      let right = try await client.post(
        "/v1/datasets/d/labels", SmallData.batch(SmallData.rows(3)), headers: headers)
      #expect(right.status == 201)
    }
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["", "a b", String(repeating: "k", count: 256)])
  func invalidKeysAreRefused(key: String) async throws {
    try await TestServer.with(worker: false) { server in
      let answer = try await server.client.post(
        "/v1/keys", ["name": "a", "role": "read"], headers: ["Idempotency-Key": key])
      #expect(answer.status == 400)
      #expect(answer.json["errors"][0]["parameter"] == "Idempotency-Key")
    }
  }
}
