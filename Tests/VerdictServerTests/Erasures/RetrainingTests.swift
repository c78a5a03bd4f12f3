import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// Trainings that follow erasures.
@Suite struct RetrainingTests {
  @Test(.timeLimit(.minutes(10)))
  func `the new model becomes active and those that knew the label go`() async throws {
    try await TestServer.with { server in
      try await server.client.makeDataset("d", ["activation": ["policy": "best", "metric": "accuracy"]])
      try await server.client.addLabels(SmallData.rows(50))
      try await server.client.train()
      try await server.addLabels(SmallData.rows(200, from: 100), keys: (0..<200).map { "k\($0)" })
      for penalty in ["l2", "l1"] { try await server.client.train("d", ["penalty": .string(penalty)]) }
      _ = try await server.client.put("/v1/datasets/d/models/active", ["version": 3])
      // The rule would keep a model this good.
      try await server.domain.asOwner { connection in
        _ = try await connection.query(
          "UPDATE kpis SET kpis = jsonb_set(kpis, '{accuracy}', '1'::jsonb) WHERE model_version = 3")
      }
      let marked = try await server.erase(["key": "k0"])
      #expect(marked["models_deleted"] == 0)
      let models = try await server.client.get("/v1/datasets/d/models").json["data"].elements
      #expect(models.map { $0["erased_labels"].int } == [1, 1, 0])
      #expect(models.map { $0["labels_deleted_since"].int } == [1, 1, 0])

      let ended = try await server.erase(["key": "k1", "retrain": true])
      #expect(ended["state"] == "succeeded" && ended["model_version"] == 4, "\(ended.text)")
      #expect(ended["models_deleted"] == 2 && ended["labels_deleted"] == 1)
      let left = try await server.client.get("/v1/datasets/d/models").json["data"].elements
      #expect(left.map { $0["version"].int } == [4, 1])
      #expect(left.map { $0["active"] } == [true, false])
      #expect(left[0]["erased_labels"] == 0)
      // The parameters are those of the model that was active.
      #expect(left[0]["parameters"]["penalty"] == "l1")
      let history = try await server.client.get("/v1/datasets/d/kpis").json["data"].elements
      #expect(history.map { $0["model_version"].int } == [1, 2, 3, 4])
      let body: JSON = ["features": ["x": 1, "c": "red"]]
      let made = try await server.client.post("/v1/datasets/d/predictions", body).json
      #expect(made["model_version"] == 4)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a training without a model fails the erasure and leaves the models marked`() async throws {
    try await TestServer.with { server in
      try await server.client.makeDataset()
      let rows = SmallData.rows(60)
      let few = rows.filter { $0.label == 1 }.prefix(2) + rows.filter { $0.label == 0 }.prefix(2)
      try await server.addLabels(Array(few), keys: ["a", "b", "c", "d"])
      try await server.client.train()
      let ended = try await server.erase(["key": "a", "retrain": true])
      #expect(ended["state"] == "failed", "\(ended.text)")
      #expect(ended["labels_deleted"] == 1 && ended["removed_at"] != .null && ended["finished_at"] != .null)
      #expect(ended["models_deleted"] == 0 && ended["model_version"] == .null)
      #expect(["too-few-labels", "one-class"].contains(ended["error"]["type"].string), "\(ended.text)")
      let model = try await server.client.get("/v1/datasets/d/models/1").json
      #expect(model["active"] == true && model["erased_labels"] == 1)
      // More labels, and the next erasure frees the dataset of the model.
      try await server.client.addLabels(rows)
      let next = try await server.erase(["key": "b", "retrain": true])
      #expect(next["state"] == "succeeded" && next["models_deleted"] == 1, "\(next.text)")
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `a cancelled training fails the erasure, and a waiting one is shared`() async throws {
    try await TestServer.with(worker: false) { server in
      try await TestServer.trained(server)
      try await server.addLabels(SmallData.rows(3), keys: ["a", "b", "c"])
      var places: [String] = []
      for key in ["a", "b"] {
        let place = try await server.requestErasure(["key": .string(key), "retrain": true])
        try await eventually { try await server.client.get(place).json["training_job"] != .null }
        places.append(place)
      }
      let first = try await server.client.get(places[0]).json
      #expect(first["state"] == "running" && first["removed_at"] != .null)
      let job = try #require(first["training_job"].int)
      #expect(try await server.client.get(places[1]).json["training_job"].int == job)
      let cancelled = try await server.client.post("/v1/datasets/d/training-jobs/\(job)/cancel", [:])
      #expect(cancelled.status == 200)
      for place in places {
        let ended = try await server.ended(place)
        #expect(ended["state"] == "failed" && ended["error"]["type"] == "cancelled", "\(ended.text)")
      }
      // A server that does not know erasures trains, and the maintenance of another one ends the erasure.
      let place = try await server.requestErasure(["key": "c", "retrain": true])
      try await eventually { try await server.client.get(place).json["training_job"] != .null }
      let waiting = try #require(try await server.client.get(place).json["training_job"].int)
      try await server.domain.asOwner {
        _ = try await $0.query("UPDATE erasures SET job_id = -job_id WHERE job_id = \(waiting)")
      }
      try await server.domain.train(server.tenant)
      try await server.domain.asOwner {
        _ = try await $0.query("UPDATE erasures SET job_id = -job_id WHERE job_id = \(-waiting)")
      }
      let ended = try await server.ended(place)
      #expect(ended["state"] == "succeeded" && ended["model_version"] == 2, "\(ended.text)")
      #expect(try await server.client.dataset()["active_model"]["version"].int ?? 0 >= 2)
    }
  }
}
