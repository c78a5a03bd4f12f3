import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import Synchronization
import TestSupport
import Testing

@testable import VerdictCore

/// Erasures of cases, persons and keys over HTTP.
@Suite struct ForgettingTests {
  @Test(.timeLimit(.minutes(10)))
  func `an erasure removes predictions, labels and the labels made of predictions`() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(10)
      let ids = made.map(\.id)
      try await server.label(ids.map { ($0, 1) })
      try await server.addLabels(SmallData.rows(3), keys: ["k1", "k2", "k3"])
      try await server.refer([ids[0], ids[1]], to: "case 1", group: "Ada")
      try await server.refer([ids[2]], to: "case 2", group: "Ada")
      // The label made of this prediction has no reference of its own.
      try await server.domain.asOwner {
        _ = try await $0.query("UPDATE labels SET reference = NULL WHERE prediction_id::text = \(ids[1])")
      }
      try await server.refer(keys: ["k1"], to: "case 1", group: "Ada")
      try await server.refer(keys: ["k2"], to: "case 3", group: "Ada")
      // A dataset of the same name has a person of the same name.
      let other = try await server.clientOfAnotherTenant()
      try await other.makeDataset()
      try await other.addLabels(SmallData.rows(5))
      try await server.domain.asOwner {
        _ = try await $0.query(
          "UPDATE labels SET reference = 'case 1', group_name = 'Ada' WHERE tenant_id <> 1")
      }

      let erased = try await server.erase(["reference": "case 1"])
      #expect(erased["state"] == "succeeded", "\(erased.text)")
      #expect(erased["predictions_deleted"] == 2 && erased["labels_deleted"] == 3, "\(erased.text)")
      #expect(erased["error"] == .null && erased["training_job"] == .null && erased["removed_at"] != .null)
      for id in ids.prefix(2) {
        #expect(try await server.client.get("/v1/datasets/d/predictions/\(id)").status == 404)
      }
      let key = try await server.erase(["key": "k3"])
      #expect(key["labels_deleted"] == 1 && key["predictions_deleted"] == 0, "\(key.text)")
      let person = try await server.erase(["group": "Ada"])
      #expect(person["predictions_deleted"] == 1 && person["labels_deleted"] == 2, "\(person.text)")
      let nobody = try await server.erase(["group": "Ada"])
      #expect(nobody["predictions_deleted"] == 0 && nobody["labels_deleted"] == 0)
      #expect(nobody["hash"] == person["hash"] && nobody["hash"] != erased["hash"])
      let (kept, counted) = try await server.counts()
      #expect(kept == counted)
      #expect(try await server.client.labelsStored() == 400 + 7)
      #expect(try await other.labelsStored() == 5)
      // A training that used none of the labels is not marked, and the other one only for those that it used.
      let model = try await server.client.get("/v1/datasets/d/models/1").json
      #expect(model["erased_labels"] == 0 && model["labels_deleted_since"] == 0)
      let list = try await server.client.get("/v1/datasets/d/erasures?limit=3").json
      #expect(list["data"].elements.map { $0["id"].int } == [4, 3, 2])
      #expect(list["next_cursor"] != .null)
      #expect(try await other.get("/v1/datasets/d/erasures").json["data"].elements.isEmpty)
      #expect(try await other.get("/v1/datasets/d/erasures/1").status == 404)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `nothing that is stored contains the reference afterwards`() async throws {
    try await TestServer.with { server in
      let name = "Ada Lovelace 1815"
      try await server.client.makeDataset()
      try await server.client.addLabels(SmallData.rows(200))
      try await server.addLabels(SmallData.rows(4), keys: ["a", "b", "c", name], category: name)
      try await server.client.train()
      let body: JSON = ["features": ["x": 1, "c": .string(name)]]
      let path = "/v1/datasets/d/predictions?explain=true"
      let once = ["Idempotency-Key": "once"]
      let made = try HTTPClient.expect(201, await server.client.post(path, body, headers: once)).json
      let id = try #require(made["id"].string)
      // Without a trace in the kept response, the test would not cover it.
      #expect(made.text.contains(name))
      _ = try await server.client.put("/v1/datasets/d/predictions/\(id)/label", ["label": 1])
      try await server.refer([id], to: name, group: name)
      try await server.refer(keys: ["a", "b", "c"], to: name, group: name)
      // A training stores its profile after its result, and so sooner or later.
      func tables() async throws -> [String] {
        try await server.tables(with: name).filter { $0 != "profiles" }
      }
      #expect(try await tables() == ["idempotency_keys", "labels", "models", "predictions"])

      let asked = ["Idempotency-Key": "erasure"]
      let request: JSON = ["group": .string(name), "retrain": true]
      let first = try HTTPClient.expect(
        202, await server.client.post("/v1/datasets/d/erasures", request, headers: asked))
      // The pending erasure may have the name, and nothing else about it.
      let again = try await server.client.post("/v1/datasets/d/erasures", request, headers: asked)
      #expect(again.json["id"] == first.json["id"] && again.headers["idempotency-replayed"] == "true")
      let ended = try await server.ended(try #require(first.headers["location"]))
      #expect(ended["state"] == "succeeded" && ended["models_deleted"] == 1, "\(ended.text)")
      #expect(ended["answers_deleted"] == 1 && ended["labels_deleted"] == 4)
      // The key of a label is not a group.
      #expect(try await tables() == ["labels", "models"])
      let last = try await server.erase(["key": .string(name), "retrain": true])
      #expect(last["state"] == "succeeded" && last["model_version"] == 3, "\(last.text)")
      #expect(try await server.tables(with: name).isEmpty)

      let hash = try #require(ended["hash"].string)
      let entries = try await server.client.get("/v1/audit").json["data"].elements
      let erasures = entries.filter { $0["action"].string?.hasPrefix("erasure.") == true }
      #expect(
        erasures.map { $0["action"] } == [
          "erasure.finished", "erasure.requested", "erasure.finished", "erasure.requested",
        ])
      #expect(erasures[3]["detail"].string?.contains(hash) == true)
      #expect(erasures[2]["detail"].string?.contains("labels 4, predictions 1, models 1") == true)
      #expect(erasures.allSatisfy { $0["actor"]["key_name"] == "first" })
      // The request whose answer was erased is neither answered nor carried out again.
      let repeated = try await server.client.post(path, body, headers: once)
      #expect(repeated.status == 409 && repeated.json["type"] == "/problems/answer-erased", "\(repeated)")
      let different = try await server.client.post(path, ["features": [:]], headers: once)
      #expect(different.json["type"] == "/problems/idempotency-key-reused", "\(different)")
      #expect(try await server.client.get("/v1/datasets/d/predictions").json["data"].elements.isEmpty)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a request names exactly one subject`() async throws {
    try await TestServer.with(worker: false) { server in
      try await server.client.makeDataset()
      let path = "/v1/datasets/d/erasures"
      let bad: [(JSON, String)] = [
        ([:], ""), (["retrain": true], ""), (["reference": "a", "key": "b"], ""),
        (["reference": ""], "/reference"),
        (["group": .string(String(repeating: "g", count: 201))], "/group"), (["key": 7], "/key"),
        (["key": "a", "retrain": 1], "/retrain"), (["key": "a", "cascade": true], "/cascade"),
      ]
      for (body, pointer) in bad {
        let answer = try await server.client.post(path, body)
        #expect(answer.status == 422 && answer.json["errors"][0]["pointer"] == .string(pointer), "\(answer)")
      }
      for (role, status) in [(Role.read, 403), (.predict, 403), (.write, 202), (.admin, 202)] {
        let client = try await server.client(role: role)
        #expect(try await client.post(path, ["key": "a", "group": .null]).status == status)
      }
      #expect(try await server.client(role: .predict).get(path).status == 403)
      #expect(try await server.client(role: .read).get(path).json["data"].elements.count == 2)
    }
  }

  /// Uploads, predictions, feedback, deletions and erasures at once: no deadlock, and every count stays exact.
  @Test(.timeLimit(.minutes(10)))
  func `counts stay exact under erasures beside writers`() async throws {
    try await TestServer.with(worker: false) { server in
      try await TestServer.trained(server)
      let isOver = Mutex(false)
      let goesOn: @Sendable () -> Bool = { isOver.withLock { !$0 } }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<2 {
          group.addTask {
            var round = 0
            while goesOn() {
              let keys = (0..<20).map { "w\(writer) \(($0 + round) % 30)" }
              try await server.addLabels(SmallData.rows(20, from: round), keys: keys)
              try await server.refer(keys: keys, to: nil, group: "g\(round % 3)")
              round += 1
            }
          }
          group.addTask {
            var round = 0
            while goesOn() {
              let made = try await server.predictMore(10, from: 100 * round)
              try await server.refer(made.map(\.id), to: nil, group: "g\(round % 3)")
              let labels: [JSON] = made.map { ["id": .string($0.id), "label": .number(Double(round % 2))] }
              let answer = try await server.client.post(
                "/v1/datasets/d/predictions/labels", ["labels": .array(labels)])
              // The predictions may be gone already.
              #expect([200, 422].contains(answer.status), "\(answer)")
              round += 1
            }
          }
        }
        for round in 0..<12 {
          let erased = try await server.erase(["group": .string("g\(round % 3)")])
          #expect(erased["state"] == "succeeded", "\(erased.text)")
          let filter = round % 2 == 0 ? "group=g\(round % 3)&labels=true" : "labelled=false"
          let answer = try await server.client.delete("/v1/datasets/d/predictions?\(filter)")
          #expect(answer.status == 200, "\(answer)")
        }
        isOver.withLock { $0 = true }
        try await group.waitForAll()
      }
      for number in 0..<3 { try await server.erase(["group": .string("g\(number)")]) }
      let (kept, counted) = try await server.counts()
      #expect(kept == counted)
      let left = try await server.domain.asOwner {
        try await $0.query("SELECT count(*) FROM labels WHERE group_name IS NOT NULL").first?.decode(Int.self)
      }
      #expect(left == 0)
    }
  }
}

extension TestServer {
  /// A dataset with a model that the test's own worker has trained.
  static func trained(_ server: TestServer) async throws {
    try await server.client.makeDataset()
    try await server.client.addLabels(SmallData.rows(100))
    try await server.domain.train(server.tenant)
  }
}
