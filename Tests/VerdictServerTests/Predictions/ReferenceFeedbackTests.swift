import HTTPTestSupport
import Testing

/// Labels of predictions by the reference of their case.
@Suite struct ReferenceFeedbackTests {
  private static let path = "/v1/datasets/d/predictions/labels"

  @Test(.timeLimit(.minutes(10)))
  func `a case is one training row`() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(4)
      let client = server.client
      try await server.refer([made[0].id, made[1].id], to: "a")
      try await server.refer([made[2].id], to: "b")
      func say(_ labels: JSON) async throws -> JSON {
        try HTTPClient.expect(200, await client.post(Self.path, ["labels": labels])).json
      }
      func trueLabels() async throws -> [JSON] {
        var labels: [JSON] = []
        for each in made {
          labels.append(try await client.get("/v1/datasets/d/predictions/\(each.id)").json["true_label"])
        }
        return labels
      }
      let first = try await say([
        ["reference": "a", "label": 1], ["reference": "b", "label": 0],
        ["id": .string(made[3].id), "label": 1],
      ])
      #expect(first["inserted"] == 3)
      #expect(try await trueLabels() == [.null, 1, 0, 1])
      // A later prediction of the case does not take the label over.
      let later = try await server.predictMore(1, from: 9_000)
      try await server.refer([later[0].id], to: "a")
      #expect(try await say([["reference": "a", "label": 1]])["unchanged"] == 1)
      #expect(try await say([["reference": "a", "label": 0]])["updated"] == 1)
      #expect(try await trueLabels() == [.null, 0, 0, 1])
      #expect(try await say([["reference": "a", "label": .null]])["deleted"] == 1)
      #expect(try await say([["reference": "a", "label": 1]])["inserted"] == 1)
      let newest = try await client.get("/v1/datasets/d/predictions/\(later[0].id)").json
      #expect(newest["true_label"] == 1)
      #expect(try await client.labelsStored() == 403)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `each format names the place of a fault`() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(3)
      let client = server.client
      try await server.refer([made[0].id], to: "a")
      try await server.refer([made[1].id], to: "b")
      let id = made[0].id
      let bad: [(JSON, String)] = [
        ([["reference": "a", "label": 1], ["reference": "z", "label": 1]], "/labels/1/reference"),
        ([["reference": "a", "label": 1], ["reference": "a", "label": 0]], "/labels/1/reference"),
        ([["reference": "a", "label": 1], ["id": .string(id), "label": 0]], "/labels/1/id"),
        ([["id": .string(id), "label": 0], ["reference": "a", "label": 1]], "/labels/1/reference"),
        ([["id": .string(id), "reference": "a", "label": 1]], "/labels/0/reference"),
        ([["reference": "", "label": 1]], "/labels/0/reference"),
        ([["reference": 4, "label": 1]], "/labels/0/reference"),
        ([["label": 1]], "/labels/0/id"),
      ]
      for (labels, pointer) in bad {
        let answer = try await client.post(Self.path, ["labels": labels])
        #expect(answer.status == 422 && answer.json["errors"][0]["pointer"] == .string(pointer), "\(answer)")
      }
      let header = try await client.send("POST", Self.path, text: "id,reference,label\n", as: "text/csv")
      #expect(header.status == 422)
      let cell = try await client.send(
        "POST", Self.path, text: "label,reference\n1,a\n1,\n1,a\n", as: "text/csv")
      #expect(cell.json["errors"].elements.map { $0["line"].int } == [3, 4], "\(cell)")
      #expect(cell.json["errors"].elements.map { $0["column"] } == ["reference", "reference"])
      #expect(try await client.labelsStored() == 400)

      let csv = try await client.send("POST", Self.path, text: "reference,label\na,1\nb,0\n", as: "text/csv")
      #expect(csv.status == 200 && csv.json["inserted"] == 2, "\(csv)")
      let lines = "{\"reference\":\"a\",\"label\":0}\n{\"label\":null,\"reference\":\"b\"}\n"
      let ndjson = try await client.send("POST", Self.path, text: lines, as: "application/x-ndjson")
      #expect(ndjson.json["updated"] == 1 && ndjson.json["deleted"] == 1, "\(ndjson)")
      // The shortest objects fit as many as other ones.
      let many: [JSON] = (0..<20_000).map { ["reference": .string("\($0)"), "label": 1] }
      let answer = try await client.post(Self.path, ["labels": .array(many)])
      #expect(answer.status == 422 && answer.json["error_count"] != 0, "\(answer.status)")
    }
  }
}
