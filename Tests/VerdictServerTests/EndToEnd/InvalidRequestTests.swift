import HTTPTestSupport
import Testing

/// Invalid input is refused with a located error and changes nothing.
@Suite struct InvalidRequestTests {
  @Test(.timeLimit(.minutes(10)))
  func invalidJSONLabelsAreRefused() async throws { try await check(InvalidRequest.jsonLabels) }

  @Test(.timeLimit(.minutes(10)))
  func invalidLabelLinesAreRefused() async throws { try await check(InvalidRequest.lineLabels) }

  @Test(.timeLimit(.minutes(10)))
  func invalidPredictionRequestsAreRefused() async throws { try await check(InvalidRequest.predictions) }

  @Test(.timeLimit(.minutes(10)))
  func otherInvalidRequestsAreRefused() async throws { try await check(InvalidRequest.others) }

  /// Sends each input to a dataset with labels, a model and a stored prediction, which would accept it if it were valid.
  private func check(_ inputs: [InvalidRequest]) async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await client.train()
      _ = try await client.post("/v1/datasets/d/predictions", ["features": SmallData.rows(1)[0].features])
      let before = try await server.stored()
      for input in inputs {
        let answer: Answer
        do {
          answer = try await client.send(input.method, input.path, headers: input.headers, body: input.body)
        } catch {
          Issue.record("\(input): \(error)")
          continue
        }
        #expect(answer.status == input.status, "\(input): \(answer)")
        #expect(answer.isProblem, "\(input): \(answer)")
        let location = answer.json["errors"][0]
        for (name, value) in input.location {
          #expect(location[name] == value, "\(input): \(answer)")
        }
        if answer.status == 422 {
          #expect(location["detail"].string?.isEmpty == false, "\(input): \(answer)")
        }
      }
      #expect(try await server.stored() == before)
      // Valid input is still accepted.
      #expect(try await client.addLabels(SmallData.rows(1))["labels_stored"] == 61)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func atMostAHundredErrorsAreListed() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      let rows =
        String(repeating: #"{"features":{"x":"a"},"label":1},"#, count: 249) + #"{"features":{},"label":7}"#
      let answer = try await server.client.send(
        "POST", "/v1/datasets/d/labels", text: #"{"labels":[\#(rows)]}"#)
      #expect(answer.status == 422)
      #expect(answer.json["errors"].elements.count == 100)
      #expect(answer.json["errors_total"] == 250)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func gzipBodiesAreAccepted() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      let body = Gzip.stored(Array(SmallData.csv(SmallData.rows(500)).utf8))
      let answer = try await server.client.send(
        "POST", "/v1/datasets/d/labels",
        headers: ["Content-Type": "text/csv", "Content-Encoding": "gzip"], body: .bytes(body))
      #expect(answer.json["inserted"] == 500, "\(answer)")
    }
  }
}
