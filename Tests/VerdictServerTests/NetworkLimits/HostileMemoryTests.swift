import HTTPTestSupport
import Synchronization
import TestSupport
import Testing
import VerdictCore

@testable import VerdictServer

/// Requests of a few kilobytes that expand to many megabytes: each is answered in parts or refused with a reason, and what was
/// reserved stays within the limit.
@Suite struct HostileMemoryTests {
  /// Runs the closure with a server whose requests have a memory of `megabytes`, of which a tenant gets half.
  private static func with(
    megabytes: Int, worker: Bool = false,
    _ body: @Sendable @escaping (TestServer, RequestMemory) async throws -> Void
  ) async throws {
    let memory = RequestMemory(limit: megabytes << 20)
    try await RequestMemory.$current.withValue(memory) {
      try await TestServer.with(worker: worker) { server in
        try await body(server, memory)
        #expect(memory.peak <= megabytes << 20)
        _ = try await eventually { memory.taken == 0 ? true : nil }
      }
    }
  }

  private static func wide(_ count: Int, type: String = "continuous") -> JSON {
    .array(
      (0..<count).map { ["name": .string("feature_number_\($0)"), "type": .string(type)] })
  }

  private static func repeated(_ row: String, _ count: Int, in member: String) -> [UInt8] {
    Array("{\"\(member)\":[\(Array(repeating: row, count: count).joined(separator: ","))]}".utf8)
  }

  private static let json = ["Content-Type": "application/json"]
  private static let ndjson = ["Content-Type": "application/x-ndjson"]

  @Test(.timeLimit(.minutes(10))) func `bodies wait for no memory that others hold`() async throws {
    try await Self.with(megabytes: 8) { server, memory in
      try await server.client.makeDataset()
      var held: RequestMemory.Reservation? = RequestMemory.Reservation(of: memory, for: server.tenant)
      try held?.set(15 << 18)
      let batch = SmallData.batch(SmallData.rows(3_000)).text
      let refused = try await server.client.send("POST", "/v1/datasets/d/labels", text: batch)
      #expect(refused.status == 503 && refused.problem == "overloaded")
      #expect(refused.headers["retry-after"] == "1")
      // Small bodies are not counted.
      try await server.client.addLabels(SmallData.rows(100))
      held = nil
      #expect(try await server.client.send("POST", "/v1/datasets/d/labels", text: batch).status == 201)
      let metrics = try await server.client.get("/metrics").text
      #expect(metrics.contains("verdict_requests_shed_total 1\n"))
      #expect(metrics.contains("verdict_request_memory_bytes 0\n"))
    }
  }

  @Test(.timeLimit(.minutes(10))) func `rows that expand beyond the memory are refused`() async throws {
    try await Self.with(megabytes: 32) { server, memory in
      try await server.client.makeDataset("d", ["features": Self.wide(500)])
      // 1 MB of text, 240 MB of numbers.
      let labels = Self.repeated("{\"features\":{},\"label\":1}", 60_000, in: "labels")
      for path in ["labels", "labels?on_error=skip"] {
        let answer = try await server.client.send(
          "POST", "/v1/datasets/d/\(path)", headers: Self.json, body: .bytes(labels))
        #expect(answer.status == 413 && answer.problem == "body-too-large", "\(answer)")
        #expect(answer.text.contains("16 MB of memory"))
      }
      #expect(memory.peak > 4 << 20)
      // As lines they are read in parts.
      let lines = String(
        repeating: "{\"features\":{},\"label\":1}\n{\"features\":{},\"label\":0}\n", count: 2_000)
      let stored = try await server.client.send(
        "POST", "/v1/datasets/d/labels", headers: Self.ndjson, body: .bytes(Array(lines.utf8)))
      #expect(stored.status == 201 && stored.json["inserted"] == 4_000, "\(stored)")
      let csv = "feature_number_0,label\n" + String(repeating: "1,1\n2,0\n", count: 1_000)
      let more = try await server.client.send(
        "POST", "/v1/datasets/d/labels", headers: ["Content-Type": "text/csv"], body: .bytes(Array(csv.utf8)))
      #expect(more.status == 201 && more.json["labels_stored"] == 6_000, "\(more)")
    }
  }

  @Test(.timeLimit(.minutes(10))) func `a file whose profile is beyond the memory is refused`() async throws {
    try await Self.with(megabytes: 32) { server, memory in
      // 3 MB of text, 100 MB of different values.
      let header = "label," + (0..<1_000).map { "c\($0)" }.joined(separator: ",")
      var file = header + "\n"
      for row in 0..<500 {
        file += "\(row % 2)," + (0..<1_000).map { "\(row * 1_000 + $0)" }.joined(separator: ",") + "\n"
      }
      let path = "/v1/schemas/infer?label=label"
      let csv = ["Content-Type": "text/csv"]
      let refused = try await server.client.send("POST", path, headers: csv, body: .bytes(Array(file.utf8)))
      #expect(refused.status == 413 && refused.problem == "body-too-large", "\(refused)")
      #expect(memory.peak > 4 << 20)
      let beginning = file.split(separator: "\n").prefix(20).joined(separator: "\n")
      let told = try await server.client.send("POST", path, headers: csv, body: .bytes(Array(beginning.utf8)))
      #expect(told.status == 200 && told.json["columns"].elements.count == 1_001, "\(told.status)")
    }
  }

  @Test(.timeLimit(.minutes(10))) func `answers that are larger than the memory are written in parts`()
    async throws
  {
    try await Self.with(megabytes: 32, worker: true) { server, memory in
      let client = server.client
      try await client.makeDataset("d", ["features": Self.wide(200)])
      let values = (0..<200).map { "\"feature_number_\($0)\":1" }.joined(separator: ",")
      let lines = "{\"features\":{\(values)},\"label\":1}\n{\"features\":{\(values)},\"label\":0}\n"
      let stored = try await client.send(
        "POST", "/v1/datasets/d/labels", headers: Self.ndjson,
        body: .bytes(Array(String(repeating: lines, count: 10).utf8)))
      #expect(stored.status == 201, "\(stored)")
      try await client.train("d")
      // Every missing value has a warning and a contribution: 4 kB of text become more than 8 MB.
      let rows = 250
      let batch = Self.repeated("{\"features\":{}}", rows, in: "predictions")
      let answer = try await client.send(
        "POST", "/v1/datasets/d/predictions/batch?explain=true&store=false", headers: Self.json,
        body: .bytes(batch))
      #expect(answer.status == 200 && answer.body.count > 8 << 20, "\(answer.status) \(answer.body.count)")
      #expect(answer.headers["content-length"] == nil)
      #expect(answer.body.starts(with: "{\"predictions\":[{\"label\":".utf8) && answer.text.hasSuffix("}]}"))
      let text = String(repeating: "{\"features\":{}}\n", count: rows)
      let streamed = try await client.send(
        "POST", "/v1/datasets/d/predictions/batch.ndjson?explain=true&store=false", headers: Self.ndjson,
        body: .bytes(Array(text.utf8)))
      #expect(streamed.status == 200 && streamed.body.count > 8 << 20, "\(streamed.status)")
      #expect(streamed.body.count { $0 == UInt8(ascii: "\n") } == rows)
      // An answer that has to be kept is in memory as a whole.
      for (path, type, body) in [
        ("batch", Self.json, batch), ("batch.ndjson", Self.ndjson, Array(text.utf8)),
      ] {
        var headers = type
        headers["Idempotency-Key"] = path
        let kept = try await client.send(
          "POST", "/v1/datasets/d/predictions/\(path)?explain=true&store=false", headers: headers,
          body: .bytes(body))
        #expect(kept.status == 413 && kept.problem == "body-too-large", "\(kept.status)")
      }
      #expect(memory.peak > 1 << 20)
      // Stored predictions have the same warnings, row by row.
      let few = Self.repeated("{\"features\":{}}", 100, in: "predictions")
      let durable = try await client.send(
        "POST", "/v1/datasets/d/predictions/batch", headers: Self.json, body: .bytes(few))
      #expect(durable.status == 201)
      #expect(durable.json["predictions"].elements.allSatisfy { $0["warnings"].elements.count == 200 })
    }
  }

  @Test(.timeLimit(.minutes(10))) func `a batch of too many rows is refused while it is read`() async throws {
    try await Self.with(megabytes: 64, worker: true) { server, memory in
      try await server.client.makeDataset()
      try await server.client.addLabels(SmallData.rows(60))
      try await server.client.train("d")
      let batch = Self.repeated("{\"features\":{}}", 150_000, in: "predictions")
      let answer = try await server.client.send(
        "POST", "/v1/datasets/d/predictions/batch?store=false", headers: Self.json, body: .bytes(batch))
      #expect(answer.status == 422 && answer.problem == "invalid-body", "\(answer)")
      #expect(answer.text.contains("must have at most 100000 elements"))
    }
  }

  @Test(.timeLimit(.minutes(10))) func `pages end at a number of bytes`() async throws {
    try await Self.with(megabytes: 64) { server, _ in
      let client = server.client
      try await client.makeDataset("d", ["features": Self.wide(300, type: "categorical")])
      let long = String(repeating: "long ", count: 60)
      let values = (0..<300).map { "\"feature_number_\($0)\":\"\(long)\"" }.joined(separator: ",")
      let line = "{\"features\":{\(values)},\"label\":1}\n"
      let rows = 120
      let stored = try await client.send(
        "POST", "/v1/datasets/d/labels", headers: Self.ndjson,
        body: .bytes(Array(String(repeating: line, count: rows).utf8)))
      #expect(stored.status == 201, "\(stored)")
      try await expectPages(client, "/v1/datasets/d/labels?limit=1000", items: rows, atLeast: 3)
      // A description of a dataset is nearly a megabyte.
      let categories = (0..<1_500).map { JSON.string("\($0) \(String(repeating: "x", count: 500))") }
      for number in 0..<9 {
        let feature: JSON = ["name": "c", "type": "categorical", "categories": .array(categories)]
        try await client.makeDataset("e\(number)", ["features": .array([feature])])
      }
      try await expectPages(client, "/v1/datasets?limit=1000", items: 10, atLeast: 2)
    }
  }

  private func expectPages(_ client: HTTPClient, _ path: String, items: Int, atLeast pages: Int) async throws
  {
    var seen: [String] = []
    var count = 0
    var cursor: String?
    repeat {
      let answer = try await client.get(path + (cursor.map { "&cursor=\($0)" } ?? ""))
      #expect(answer.status == 200 && answer.body.count < 6 << 20, "\(answer.status) \(answer.body.count)")
      let page = answer.json
      seen += page["data"].elements.map { $0["id"].int.map { "\($0)" } ?? $0["name"].string ?? "" }
      cursor = page["next_cursor"].string
      count += 1
    } while cursor != nil && count < 100
    #expect(seen.count == items && Set(seen).count == items)
    #expect(count >= pages)
  }
}
