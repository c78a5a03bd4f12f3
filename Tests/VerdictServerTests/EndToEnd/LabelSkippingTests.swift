import HTTPTestSupport
import Testing

/// `on_error=skip`: valid rows are stored, invalid rows are returned with their errors.
@Suite struct LabelSkippingTests {
  private static let path = "/v1/datasets/d/labels?on_error=skip"

  private static let bodies: [(type: String, text: String, locations: [JSON])] = [
    (
      "application/json",
      #"{"labels":[{"features":{"x":1},"label":1},{"features":{"x":"a"},"label":2},{"features":{"x":2},"label":0}]}"#,
      ["/labels/1/features/x", "/labels/1/label"]
    ),
    (
      "application/x-ndjson",
      "{\"features\":{\"x\":1},\"label\":1}\nnonsense\n{\"features\":{\"x\":2},\"label\":0}\n",
      [2]
    ),
    ("text/csv", "x,label\n1,1\na,2\n2,0\n", [3, 3]),
  ]

  @Test(.timeLimit(.minutes(10)))
  func validRowsAreStoredAndInvalidOnesReported() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      for (number, body) in Self.bodies.enumerated() {
        let answer = try await client.send("POST", Self.path, text: body.text, as: body.type)
        #expect(answer.status == 201, "\(answer)")
        #expect(answer.json["inserted"] == 2)
        #expect(answer.json["skipped"] == 1)
        #expect(answer.json["errors_total"].int == body.locations.count)
        let errors = answer.json["errors"].elements
        #expect(errors.map { $0["line"] == .null ? $0["pointer"] : $0["line"] } == body.locations)
        #expect(errors.allSatisfy { $0["detail"].string?.isEmpty == false })
        #expect(answer.json["labels_stored"].int == 2 * (number + 1))
        // Without the parameter, and with `on_error=fail`, nothing is stored.
        for path in ["/v1/datasets/d/labels", "/v1/datasets/d/labels?on_error=fail"] {
          let refused = try await client.send("POST", path, text: body.text, as: body.type)
          #expect(refused.status == 422)
        }
        #expect(try await client.labelsStored() == 2 * (number + 1))
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func batchesOfInvalidRowsStoreNothing() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let rows = (0..<250).map { _ in "a,1\n" }.joined()
      let answer = try await client.send("POST", Self.path, text: "x,label\n" + rows, as: "text/csv")
      #expect(answer.status == 201, "\(answer)")
      #expect(answer.json["inserted"] == 0)
      #expect(answer.json["updated"] == 0)
      #expect(answer.json["skipped"] == 250)
      #expect(answer.json["errors"].elements.count == 100)
      #expect(answer.json["errors_total"] == 250)
      #expect(answer.json["labels_stored"] == 0)
      #expect(answer.json["training_job"] == .null)
    }
  }

  /// The first valid row of a key is stored, also if the key existed before the batch.
  @Test(.timeLimit(.minutes(10)))
  func firstValidRowOfAKeyIsStored() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let csv = "key,x,label\na,1,1\nb,wrong,0\na,2,0\nb,3,0\nb,4,1\n"
      for round in 0..<2 {
        let answer = try await client.send("POST", Self.path, text: csv, as: "text/csv")
        #expect(answer.status == 201, "\(answer)")
        #expect(answer.json["inserted"].int == (round == 0 ? 2 : 0))
        #expect(answer.json["updated"].int == (round == 0 ? 0 : 2))
        #expect(answer.json["skipped"] == 3)
        #expect(answer.json["errors"].elements.map { $0["line"] } == [3, 4, 6])
      }
      let labels = try await client.get("/v1/datasets/d/labels").json["data"].elements
      #expect(labels.map { $0["key"] } == ["a", "b"])
      #expect(labels.map { $0["features"]["x"] } == [1, 3])
      #expect(labels.map { $0["label"] } == [1, 0])
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func skippingUploadsAreReplayed() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let headers = ["Idempotency-Key": "once"]
      func post(_ path: String) async throws -> Answer {
        try await client.send("POST", path, text: Self.bodies[2].text, as: "text/csv", headers: headers)
      }
      let first = try await post(Self.path)
      let again = try await post(Self.path)
      #expect(again.status == 201)
      #expect(again.headers["idempotency-replayed"] == "true")
      #expect(again.body == first.body)
      // With and without skipping are different requests.
      #expect(try await post("/v1/datasets/d/labels").status == 422)
      #expect(try await client.labelsStored() == 2)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func errorsOutsideRowsFailTheRequest() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let before = try await server.stored()
      for (type, text, status) in [
        ("application/json", #"{"labels":[{"features":{"x":1},"label":1}"#, 400),
        ("application/json", #"{"labels":[{"features":{"x":1},"label":1}],"more":1}"#, 422),
        ("application/x-ndjson", "\n", 422),
        ("text/csv", "x,label\n1,1\n2,\"0\n", 400), ("text/csv", "y,label\n1,1\n", 422),
      ] {
        let answer = try await client.send("POST", Self.path, text: text, as: type)
        #expect(answer.status == status, "\(text): \(answer)")
      }
      var cut = Gzip.stored(Array("x,label\n1,1\n2,0\n".utf8))
      cut.removeLast(9)
      let answer = try await client.send(
        "POST", Self.path, headers: ["Content-Type": "text/csv", "Content-Encoding": "gzip"],
        body: .bytes(cut))
      #expect(answer.status == 400)
      let unknown = try await client.send(
        "POST", "/v1/datasets/d/labels?on_error=ignore", text: "x,label\n1,1\n", as: "text/csv")
      #expect(unknown.status == 400)
      #expect(unknown.json["errors"][0]["parameter"] == "on_error")
      #expect(try await server.stored() == before)
    }
  }
}
