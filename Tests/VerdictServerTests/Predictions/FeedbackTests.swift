import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import Testing

/// Batches of labels for earlier predictions.
@Suite struct FeedbackTests {
  @Test(.timeLimit(.minutes(10)))
  func batchesOfLabelsAreSetChangedAndDeleted() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(100)
      let first = try await server.label(made.map { ($0.id, 1) })
      #expect(first["inserted"] == 100)
      #expect(first["labels_stored"] == 500)
      let again = try await server.label(made.map { ($0.id, 1) })
      #expect(again["inserted"] == 0)
      #expect(again["unchanged"] == 100)
      #expect(again["labels_stored"] == 500)
      let mixed = try await server.label(
        made.enumerated().map { ($1.id, $0 < 10 ? .null : $0 < 40 ? 0 : 1) })
      #expect(mixed["deleted"] == 10)
      #expect(mixed["updated"] == 30)
      #expect(mixed["unchanged"] == 60)
      #expect(mixed["labels_stored"] == 490)
      let rows = try await server.domain.countedRows()
      let dataset = try await server.client.dataset()
      #expect(dataset["positives"].int == rows.positives)
      #expect(dataset["negatives"].int == rows.negatives)
      let labels = try await server.client.get("/v1/datasets/d/labels?source=prediction&limit=1000")
      #expect(labels.json["data"].elements.count == 90)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func unknownPredictionsFailTheBatch() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(3)
      let before = try await server.stored()
      var said: [JSON] = made.map { ["id": .string($0.id), "label": 1] }
      said[1] = ["id": "01935a3e-5f0b-7c7e-9a4e-0d6b3a2f9c11", "label": 1]
      let path = "/v1/datasets/d/predictions/labels"
      let refused = try await server.client.post(path, ["labels": .array(said)])
      #expect(refused.status == 422)
      #expect(refused.json["errors"][0]["pointer"] == "/labels/1/id")
      said[1] = said[0]
      #expect(try await server.client.post(path, ["labels": .array(said)]).status == 422)
      #expect(try await server.stored() == before)
      // Another tenant with a dataset of that name cannot see these predictions.
      let other = try await server.clientOfAnotherTenant()
      #expect(try await other.post(path, ["labels": [said[0]]]).status == 404)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func streamsOfFeedbackAreAccepted() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(4)
      let path = "/v1/datasets/d/predictions/labels"
      let csv = "label,id\n1,\(made[0].id)\n0,\(made[1].id)\n,\(made[2].id)\n"
      let answer = try await server.client.send(
        "POST", path, headers: ["Content-Type": "text/csv"], body: .bytes(Array(csv.utf8)))
      #expect(answer.status == 200)
      #expect(answer.json["inserted"] == 2)
      #expect(answer.json["unchanged"] == 1)
      let lines = "{\"id\":\"\(made[0].id)\",\"label\":null}\n\n{\"id\":\"\(made[3].id)\",\"label\":0}\n"
      let second = try await server.client.send(
        "POST", path, headers: ["Content-Type": "application/x-ndjson"], body: .bytes(Array(lines.utf8)))
      #expect(second.json["deleted"] == 1)
      #expect(second.json["inserted"] == 1)
      let bad = try await server.client.send(
        "POST", path, headers: ["Content-Type": "application/x-ndjson"],
        body: .bytes(Array("{\"id\":\"x\",\"label\":2}\nnull\n{".utf8)))
      #expect(bad.status == 422)
      #expect(bad.json["errors"].elements.map { $0["line"].int } == [1, 1, 2, 3])
    }
  }

  /// Fifty concurrent batches label overlapping predictions differently: no deadlock, one label a prediction, correct counts.
  @Test(.timeLimit(.minutes(10)))
  func concurrentFeedbackKeepsCountsExact() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(60)
      let gate: JSON = [
        "metric": "accuracy", "minimum": 0.01, "source": "live", "min_labels": 5, "bound": "estimate",
      ]
      #expect(try await server.client.patch("/v1/datasets/d", ["gate": gate]).status == 200)
      try await withThrowingTaskGroup(of: Int.self) { group in
        for call in 0..<50 {
          group.addTask {
            let some = made.enumerated().filter { $0.offset % 5 == call % 5 }.shuffled()
            let labels: [JSON] = some.map {
              ["id": .string($1.id), "label": call % 7 == 0 ? .null : call % 2 == 0 ? 1 : 0]
            }
            if call % 3 == 0 {
              let one = some[0].element.id
              return try await server.client.put(
                "/v1/datasets/d/predictions/\(one)/label", ["label": 1]
              ).status
            }
            return try await server.client.post(
              "/v1/datasets/d/predictions/labels", ["labels": .array(labels)]
            ).status
          }
        }
        for try await status in group { #expect(status == 200) }
      }
      let rows = try await server.domain.countedRows()
      let dataset = try await server.client.dataset()
      #expect(dataset["positives"].int == rows.positives)
      #expect(dataset["negatives"].int == rows.negatives)
      let kept = try await server.domain.asOwner { connection in
        try await connection.query(
          """
          SELECT coalesce(sum(true_positives), 0)::bigint, coalesce(sum(false_positives), 0)::bigint,
                 coalesce(sum(true_negatives), 0)::bigint, coalesce(sum(false_negatives), 0)::bigint
          FROM live_counts
          """
        ).first?.decode(Int.self, Int.self, Int.self, Int.self)
      }
      let live = try await server.liveKPIs()["confusion_matrix"]
      #expect(live["true_positive"].int == kept?.0)
      #expect(live["false_positive"].int == kept?.1)
      #expect(live["true_negative"].int == kept?.2)
      #expect(live["false_negative"].int == kept?.3)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func predictionsFromBeforeAddedFeaturesCanBeLabelled() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(2)
      var features = SmallData.features.elements
      features.append(["name": "later", "type": "continuous"])
      #expect(
        try await server.client.patch("/v1/datasets/d", ["features": .array(features)]).status == 200)
      #expect(try await server.label([(made[0].id, 1), (made[1].id, 0)])["inserted"] == 2)
      let labels = try await server.client.get("/v1/datasets/d/labels?source=prediction").json["data"]
      #expect(labels[0]["features"]["later"] == .null)
      #expect(labels[0]["features"]["x"] == made[0].row.features["x"])
      try await server.client.train()
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func repeatedPredictionsUnderAKeyCountOnce() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let body: JSON = ["features": SmallData.rows(1)[0].features]
      let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
        for _ in 0..<20 {
          group.addTask {
            try await server.client.post(
              "/v1/datasets/d/predictions", body, headers: ["Idempotency-Key": "once"])
          }
        }
        return try await group.reduce(into: [Answer]()) { $0.append($1) }
      }
      #expect(answers.contains { $0.status == 201 })
      #expect(answers.allSatisfy { $0.status == 201 || $0.problem == "idempotency-key-in-use" })
      #expect(Set(answers.filter { $0.status == 201 }.map { $0.json["id"].string }).count == 1)
      let stored = try await server.client.get("/v1/datasets/d/predictions").json["data"].elements
      #expect(stored.count == 2)
    }
  }
}
