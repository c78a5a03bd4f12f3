import DomainTestSupport
import HTTPTestSupport
import Testing

/// Concurrent requests.
@Suite struct ConcurrencyTests {
  @Test(.timeLimit(.minutes(10)))
  func concurrentPredictionsAreAllStored() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await client.train()
      let rows = SmallData.rows(32, from: 1_000)
      let answers = try await all(rows) {
        try await client.post("/v1/datasets/d/predictions", ["features": $0.features])
      }
      #expect(answers.allSatisfy { $0.status == 201 })
      let ids = Set(answers.compactMap { $0.json["id"].string })
      #expect(ids.count == 32)
      let stored = try await client.get("/v1/datasets/d/predictions").json["data"].elements
      #expect(Set(stored.compactMap { $0["id"].string }) == ids)
      // Each prediction is stored with its own row.
      for (row, answer) in zip(rows, answers) {
        let mine = stored.first { $0["id"] == answer.json["id"] }
        #expect(mine?["features"] == row.features)
        #expect(mine?["probability"] == answer.json["probability"])
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func repeatedFeedbackIsOneLabel() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(60))
      try await client.train()
      let made = try await client.post(
        "/v1/datasets/d/predictions", ["features": SmallData.rows(1)[0].features])
      let id = try #require(made.json["id"].string)
      let answers = try await all(Array(0..<20)) { _ in
        try await client.put("/v1/datasets/d/predictions/\(id)/label", ["label": 1])
      }
      #expect(answers.allSatisfy { $0.status == 200 && $0.json["true_label"] == 1 })
      let dataset = try await client.dataset()
      #expect(dataset["labels_stored"] == 61)
      let labels = try await client.get("/v1/datasets/d/labels?source=prediction").json["data"]
      #expect(labels.elements.map { $0["prediction_id"].string } == [id])
      let rows = try await server.domain.countedRows()
      #expect(rows.positives == dataset["positives"].int)
      #expect(rows.negatives == dataset["negatives"].int)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func concurrentBatchesAreAllCounted() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      let answers = try await all(Array(0..<16)) { number in
        try await client.post(
          "/v1/datasets/d/labels", SmallData.batch(SmallData.rows(100, from: number * 100)))
      }
      #expect(answers.allSatisfy { $0.status == 201 })
      // Every response counts its own rows and those committed before.
      #expect(answers.compactMap { $0.json["labels_stored"].int }.allSatisfy { (100...1_600).contains($0) })
      #expect(try await client.labelsStored() == 1_600)
      let rows = try await server.domain.countedRows()
      #expect(rows.positives + rows.negatives == 1_600)
      #expect(try await client.dataset()["positives"].int == rows.positives)
    }
  }

  /// The responses in the order of the items, requested concurrently.
  private func all<Item: Sendable>(
    _ items: [Item], _ ask: @Sendable @escaping (Item) async throws -> Answer
  ) async throws -> [Answer] {
    try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
      for (index, item) in items.enumerated() { group.addTask { (index, try await ask(item)) } }
      return try await group.reduce(into: [Int: Answer]()) { $0[$1.0] = $1.1 }.sorted { $0.key < $1.key }
        .map(\.value)
    }
  }
}
