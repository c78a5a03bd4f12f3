import HTTPTestSupport
import Testing

/// Runs a background activity of a test. An error after its cancellation is ignored.
private func untilCancelled(_ body: () async throws -> Void) async {
  do { try await body() } catch { if !Task.isCancelled { Issue.record(error) } }
}

/// Lists and exports under concurrent writes.
@Suite struct SnapshotTests {
  /// Posts rows with other keys and deletes them, until cancelled.
  private static func disturb(_ client: HTTPClient, _ number: Int) async throws {
    var round = 0
    while !Task.isCancelled {
      let key = "other-\(number)-\(round % 7)"
      let body: JSON = ["labels": [["features": ["x": 0], "label": 0, "key": .string(key)]]]
      _ = try HTTPClient.expect(201, try await client.post("/v1/datasets/d/labels", body))
      _ = try await client.post("/v1/datasets/d/labels", SmallData.batch(SmallData.rows(20, from: 5_000)))
      if round % 3 == 0 { _ = try await client.delete("/v1/datasets/d/labels?key=\(key)") }
      round += 1
    }
  }

  /// Creates rows that stay, mixed with rows that are deleted during the test.
  private static func prepare(_ client: HTTPClient) async throws {
    try await client.makeDataset()
    let labels: [JSON] = (0..<600).map { index in
      [
        "features": ["x": .number(Double(index))], "label": 1,
        "key": .string(index % 3 == 0 ? "gone-\(index)" : "stays-\(index)"),
      ]
    }
    _ = try HTTPClient.expect(
      201, try await client.post("/v1/datasets/d/labels", ["labels": .array(labels)]))
  }

  private static let staying = (0..<600).filter { $0 % 3 != 0 }.map { JSON.string("stays-\($0)") }

  @Test(.timeLimit(.minutes(10)))
  func pagesContainEveryLastingRowOnce() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await Self.prepare(client)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<3 {
          group.addTask { await untilCancelled { try await Self.disturb(client, number) } }
        }
        // Rows before, at and after the cursor are deleted, and rows that stay are updated.
        group.addTask {
          await untilCancelled {
            for index in stride(from: 0, to: 600, by: 3) {
              _ = try await client.delete("/v1/datasets/d/labels?key=gone-\(index)")
              let again: JSON = [
                "labels": [["features": ["x": -1], "label": 0, "key": .string("stays-\(index + 1)")]]
              ]
              _ = try HTTPClient.expect(201, try await client.post("/v1/datasets/d/labels", again))
            }
          }
        }
        for limit in [7, 50, 1_000] {
          var seen: [JSON] = []
          var ids: [Int] = []
          var path = "/v1/datasets/d/labels?limit=\(limit)"
          // The writers never stop, so the test reads only a few pages beyond the last row that stays.
          var further = 0
          while further < 3 {
            if seen.contains(Self.staying[Self.staying.count - 1]) { further += 1 }
            let page = try HTTPClient.expect(200, try await client.get(path)).json
            seen += page["data"].elements.map { $0["key"] }
            ids += page["data"].elements.compactMap { $0["id"].int }
            guard let cursor = page["next_cursor"].string else { break }
            path = "/v1/datasets/d/labels?limit=\(limit)&cursor=\(cursor)"
          }
          #expect(seen.filter { $0.string?.hasPrefix("stays") == true } == Self.staying, "\(limit) a page")
          #expect(ids == Array(Set(ids)).sorted())
        }
        group.cancelAll()
      }
    }
  }

  /// Each batch updates ten rows in one transaction; an export contains all or none of an update.
  @Test(.timeLimit(.minutes(10)), arguments: ["csv", "ndjson"])
  func exportsAreConsistentSnapshots(form: String) async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(3_000))
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<3 {
          group.addTask {
            await untilCancelled {
              var round = 0
              while !Task.isCancelled {
                // One batch gives the same ten keys a new value.
                let labels: [JSON] = (0..<10).map { index in
                  [
                    "features": ["x": .number(Double(writer * 1_000_000 + round)), "c": "batch"], "label": 1,
                    "key": .string("w\(writer)-\(index)"),
                  ]
                }
                _ = try HTTPClient.expect(
                  201, try await client.post("/v1/datasets/d/labels", ["labels": .array(labels)]))
                round += 1
              }
            }
          }
        }
        for _ in 0..<15 {
          let export = try HTTPClient.expect(
            200, try await client.get("/v1/datasets/d/labels.\(form)"))
          let batch = export.text.split(whereSeparator: \.isNewline).filter { $0.contains("batch") }
          let values = Dictionary(grouping: batch) { Self.value($0, form) }
          #expect(values.count <= 3 && values.values.allSatisfy { $0.count == 10 })
          #expect(export.text.split(whereSeparator: \.isNewline).count { !$0.contains("batch") } >= 3_000)
        }
        group.cancelAll()
      }
    }
  }

  private static func value(_ line: Substring, _ form: String) -> String {
    if form == "csv" { return String(line.prefix { $0 != "," }) }
    return (try? JSON(parsing: Array(line.utf8)))?["features"]["x"].text ?? ""
  }

  @Test(.timeLimit(.minutes(10)))
  func csvHasAKeyColumnOnlyIfRowsHaveKeys() async throws {
    try await TestServer.with(worker: false) { server in
      let client = server.client
      try await client.makeDataset()
      try await client.addLabels(SmallData.rows(1))
      func header(_ query: String = "") async throws -> Substring? {
        let answer = try await client.get("/v1/datasets/d/labels.csv" + query)
        return answer.text.split(whereSeparator: \.isNewline).first
      }
      #expect(try await header() == "x,c,label")
      let keyed: JSON = ["labels": [["features": [:], "label": 1, "key": "k"]]]
      _ = try HTTPClient.expect(201, try await client.post("/v1/datasets/d/labels", keyed))
      #expect(try await header() == "x,c,label,key")
      #expect(try await header("?source=prediction") == "x,c,label")
    }
  }
}
