import DomainTestSupport
import HTTPTestSupport
import Foundation
import Testing
import TestSupport

/// Streamed batches of predictions.
@Suite struct StreamingPredictionTests {
  private static let path = "/v1/datasets/d/predictions/batch"

  private func post(
    _ server: TestServer, _ type: String, _ body: String, query: String = "", key: String? = nil
  ) async throws -> Answer {
    var headers = ["Content-Type": type]
    if let key { headers["Idempotency-Key"] = key }
    let path = Self.path + (type == "text/csv" ? ".csv" : ".ndjson")
    return try await server.client.send(
      "POST", path + query, headers: headers, body: .bytes(Array(body.utf8)))
  }

  private func lines(_ answer: Answer) throws -> [JSON] {
    try answer.text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
  }

  @Test(.timeLimit(.minutes(10)))
  func everyRowGetsItsLineInOrder() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(300)
      let ndjson = made.map { "{\"features\":\($0.row.features.text)}\n" }.joined()
      let answer = try await post(server, "application/x-ndjson", ndjson)
      #expect(answer.status == 201)
      let lines = try lines(answer)
      #expect(lines.map { $0["probability"] } == made.map { $0.answer["probability"] })
      #expect(Set(lines.compactMap { $0["id"].string }).count == 300)
      let stored = try await server.client.get("/v1/datasets/d/predictions?limit=1000").json["data"].elements
      #expect(stored.count == 600)
      #expect(stored.prefix(300).map { $0["id"].string } == lines.reversed().map { $0["id"].string })
      let csv = "c,x\n" + made.map { "\($0.row.c),\($0.row.x)\n" }.joined()
      let unstored = try await post(server, "text/csv", csv, query: "?store=false")
      #expect(unstored.status == 200)
      let rows = unstored.text.split(separator: "\r\n")
      #expect(rows.first == "label,probability,threshold,model_version,labels_used,warnings,error")
      #expect(
        rows.dropFirst().map { Double($0.split(separator: ",")[1]) }
          == made.map { $0.answer["probability"].double })
      let explained = try await post(
        server, "application/x-ndjson", ndjson, query: "?store=false&explain=true")
      #expect(try self.lines(explained).allSatisfy { $0["contributions"].elements.count == 2 })
      #expect(
        try await server.client.get("/v1/datasets/d/predictions?limit=1000").json["data"].elements.count
          == 600)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func invalidRowsGetErrorLines() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let body = """
        {"features":{"x":1,"c":"red"}}
        {"features":{"x":"one"}}

        {"features":{"x":2,"y":3}}
        {"features":{"x":3}}
        {"features":{"x":
        """
      let answer = try await post(server, "application/x-ndjson", body)
      #expect(answer.status == 201)
      let lines = try lines(answer)
      #expect(lines.map { $0["error"] == .null } == [true, false, false, true, false])
      #expect(lines[1]["error"]["errors"][0]["line"] == 2)
      #expect(lines[1]["error"]["errors"][0]["pointer"] == "/features/x")
      #expect(lines[2]["error"]["errors"][0]["line"] == 4)
      #expect(lines[4]["error"]["status"] == 422)
      let csv = try await post(server, "text/csv", "x,c\n1,red\nnone,red\n1\n2,blue")
      let rows = csv.text.split(separator: "\r\n").map(String.init)
      #expect(rows.count == 5)
      #expect(rows[2].contains("Line 3, column x"))
      #expect(rows[4].hasSuffix(",,"))
      // An error found before the first row sets the status of the response.
      #expect(try await post(server, "text/csv", "x,z\n1,2\n").status == 422)
      #expect(try await post(server, "application/x-ndjson", "").status != 500)
      let closed = ["gate": ["metric": "roc_auc", "minimum": 0.9999]] as JSON
      #expect(try await server.client.patch("/v1/datasets/d", closed).status == 200)
      #expect(try await post(server, "application/x-ndjson", body).problem == "model-below-gate")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func streamsUnderAKeyAreAtomicAndReplayed() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let good = String(repeating: "{\"features\":{\"x\":1}}\n", count: 200)
      let first = try await post(server, "application/x-ndjson", good, key: "a")
      let second = try await post(server, "application/x-ndjson", good, key: "a")
      #expect(first.status == 201)
      #expect(first.body == second.body)
      #expect(second.headers["idempotency-replayed"] == "true")
      let bad = try await post(server, "application/x-ndjson", good + "{}\n", key: "b")
      #expect(bad.status == 422)
      #expect(bad.json["errors"][0]["line"] == 201)
      #expect(
        try await server.client.get("/v1/datasets/d/predictions?limit=1000").json["data"].elements.count
          == 201)
    }
  }

  /// Predictions are sent while the request body is still open.
  @Test(.timeLimit(.minutes(10)))
  func predictionsAreSentBeforeTheBodyEnds() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let (chunks, more) = AsyncStream<[UInt8]>.makeStream()
      let answer = Task {
        try await server.client.send(
          "POST", Self.path + ".ndjson", headers: ["Content-Type": "application/x-ndjson"],
          body: .chunks(chunks))
      }
      func stored() async throws -> Int {
        try await server.client.get("/v1/datasets/d/predictions").json["data"].elements.count
      }
      for count in 2...4 {
        more.yield(Array("{\"features\":{\"x\":\(count)}}\n".utf8))
        _ = try await eventually { try await stored() == count ? true : nil }
      }
      more.finish()
      #expect(try lines(try await answer.value).count == 3)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func numbersBeyondTheModelsRangeAreRefused() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let answer = try await server.client.post("/v1/datasets/d/predictions", ["features": ["x": 1e200]])
      #expect(answer.status == 422)
      #expect(answer.json["errors"][0]["pointer"] == "/features/x")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func contributionsAddUpForNumbersOfAnySize() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset(
        "d",
        ["features": [["name": "at", "type": "continuous"], ["name": "c", "type": "categorical"]]])
      // Timestamps in microseconds: coefficient times value is some million times the log-odds.
      let rows: [JSON] = SmallData.rows(300).map {
        [
          "features": ["at": .number(1.7e15 + $0.x * 1e9), "c": .string($0.c)],
          "label": .number(Double($0.label)),
        ]
      }
      #expect(try await client.post("/v1/datasets/d/labels", ["labels": .array(rows)]).status == 201)
      try await client.train()
      for (index, row) in rows.prefix(20).enumerated() {
        var features = row["features"]
        if index % 3 == 0 { features = ["c": features["c"]] }
        let answer = try await client.post(
          "/v1/datasets/d/predictions?explain=true&store=false", ["features": features]
        ).json
        let parts = answer["contributions"].elements
        let sizes = parts.compactMap { $0["contribution"].double.map(abs) }
        #expect(sizes == sizes.sorted(by: >))
        for part in parts { #expect(part["value"] == features[part["feature"].string ?? ""]) }
        let sum = parts.reduce(answer["intercept"].double ?? .nan) {
          $0 + ($1["contribution"].double ?? .nan)
        }
        let probability = try #require(answer["probability"].double)
        #expect(abs(sum - logit(probability)) < 1e-12)
      }
    }
  }

  private func logit(_ probability: Double) -> Double { log(probability / (1 - probability)) }
}
