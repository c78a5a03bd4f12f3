import HTTPTestSupport
import Testing
import TestSupport

/// The whole product in the order in which an application uses it.
@Suite struct WorkflowTests {
  @Test(.timeLimit(.minutes(10)))
  func theWholeProductWorks() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset()
      #expect(try await client.dataset()["active_model"] == .null)

      try await labelsInBothWays(client)
      try await trainings(client)
      let id = try await predictions(client)
      try await gate(client)
      try await automaticTraining(client)
      try await feedback(client, id)
      try await deletion(client)
    }
  }

  private func labelsInBothWays(_ client: HTTPClient) async throws {
    let added = try await client.addLabels(SmallData.rows(100))
    #expect(added["inserted"].int == 100)
    let csv = SmallData.csv(SmallData.rows(200, from: 100))
    let more = try await client.send("POST", "/v1/datasets/d/labels", text: csv, as: "text/csv")
    #expect(more.status == 201)
    #expect(more.json == ["inserted": 200, "updated": 0, "labels_stored": 300, "training_job": .null])
    let positives = SmallData.rows(300).count { $0.label == 1 }
    let dataset = try await client.dataset()
    #expect(dataset["positives"].int == positives)
    #expect(dataset["negatives"].int == 300 - positives)
    // There are no predictions before the first training.
    let early = try await client.post("/v1/datasets/d/predictions", Self.row)
    #expect(early.status == 409)
    #expect(early.problem == "no-model")
  }

  /// Two trainings give a history of two entries.
  private func trainings(_ client: HTTPClient) async throws {
    let first = try await client.train()
    #expect(first["model_version"].int == 1)
    #expect(first["trigger"].string == "manual")
    #expect(first["kpis"]["labels_used"].int == 300)
    let accuracy = try #require(first["kpis"]["accuracy"].double)
    #expect(accuracy > 0.75)
    try await client.addLabels(SmallData.rows(100, from: 300))
    let second = try await client.train(
      "d", ["penalty": "none", "validation": ["method": "kfold", "folds": 3]])
    #expect(second["model_version"].int == 2)

    let history = try await client.get("/v1/datasets/d/kpis").json["data"]
    #expect(history.elements.map { $0["model_version"].int } == [1, 2])
    #expect(history.elements.map { $0["labels_used"].int } == [300, 400])
    #expect(history[0]["accuracy"].double == accuracy)
    #expect(history[1]["training_job"] == second["id"])
    #expect(history[1]["validation_rows"].int == 400)
    let table = try await client.get("/v1/datasets/d/kpis.csv").text
    #expect(table.split(whereSeparator: \.isNewline).count == 3)
    let models = try await client.get("/v1/datasets/d/models").json["data"]
    #expect(models.elements.map { $0["version"].int } == [2, 1])
    #expect(models.elements.map { $0["active"] } == [true, false])
  }

  /// - Returns: the id of a stored prediction.
  private func predictions(_ client: HTTPClient) async throws -> String {
    let answer = try await client.post("/v1/datasets/d/predictions?explain=true", Self.row)
    #expect(answer.status == 201)
    let made = answer.json
    let id = try #require(made["id"].string)
    #expect(answer.headers["location"] == "/v1/datasets/d/predictions/\(id)")
    #expect(made["label"] == 1)
    #expect(made["model_version"] == 2)
    #expect(made["labels_used"] == 400)
    #expect(Set(made["contributions"].elements.map { $0["feature"].string }) == ["x", "c"])
    let read = try await client.get("/v1/datasets/d/predictions/\(id)").json
    #expect(read["probability"] == made["probability"])
    #expect(read["features"] == Self.row["features"])
    #expect(read["true_label"] == .null)

    let low: JSON = ["features": ["x": -2.5, "c": "green"]]
    let batch = try await client.post(
      "/v1/datasets/d/predictions/batch?store=false", ["predictions": [Self.row, low]])
    #expect(batch.status == 200)
    #expect(batch.json["predictions"].elements.map { $0["label"].int } == [1, 0])
    #expect(batch.json["predictions"][0]["probability"] == made["probability"])
    #expect(batch.json["predictions"][0]["id"] == .null)
    return id
  }

  /// A gate takes effect on every path with the next request after the PATCH, and so does its removal.
  private func gate(_ client: HTTPClient) async throws {
    for path in [
      "predictions", "predictions?store=false", "predictions/batch", "predictions/batch?store=false",
    ] {
      let body: JSON = path.contains("batch") ? ["predictions": [Self.row]] : Self.row
      let closed = try await client.patch(
        "/v1/datasets/d", ["gate": ["metric": "roc_auc", "minimum": 0.9999]])
      #expect(closed.status == 200)
      let refused = try await client.post("/v1/datasets/d/\(path)", body)
      #expect(refused.status == 409, "\(path)")
      #expect(refused.problem == "model-below-gate")
      #expect(refused.json["metric"] == "roc_auc")
      #expect(refused.json["minimum"] == 0.9999)
      #expect(refused.json["model_version"] == 2)
      let value = try #require(refused.json["value"].double)
      #expect(value < 0.9999)
      #expect(try await client.patch("/v1/datasets/d", ["gate": .null]).status == 200)
      #expect(try await client.post("/v1/datasets/d/\(path)", body).status < 300, "\(path)")
    }
  }

  private func automaticTraining(_ client: HTTPClient) async throws {
    let policy: JSON = ["auto_train": ["enabled": true, "min_new_labels": 50, "max_delay_seconds": 0]]
    #expect(try await client.patch("/v1/datasets/d", policy).status == 200)
    let few = try await client.addLabels(SmallData.rows(49, from: 400))
    let enough = try await client.addLabels(SmallData.rows(1, from: 449))
    #expect(few["training_job"] == .null)
    let number = try #require(enough["training_job"].int)
    let job = try await eventually {
      let job = try await client.get("/v1/datasets/d/training-jobs/\(number)").json
      return ["succeeded", "failed", "cancelled"].contains(job["state"].string) ? job : nil
    }
    #expect(job["state"] == "succeeded")
    #expect(job["trigger"] == "auto")
    #expect(job["model_version"] == 3)
    #expect(try await client.dataset()["active_model"]["version"] == 3)
    #expect(try await client.patch("/v1/datasets/d", ["auto_train": .null]).status == 200)
  }

  private func feedback(_ client: HTTPClient, _ id: String) async throws {
    let before = try await client.labelsStored()
    for truth in [0, 0, 1] {
      let answer = try await client.put(
        "/v1/datasets/d/predictions/\(id)/label", ["label": .number(Double(truth))])
      #expect(answer.status == 200)
      #expect(answer.json["true_label"].int == truth)
    }
    #expect(try await client.labelsStored() == before + 1)
    let labels = try await client.get("/v1/datasets/d/labels?source=prediction").json["data"]
    #expect(labels.elements.count == 1)
    #expect(labels[0]["prediction_id"].string == id)
    #expect(labels[0]["label"] == 1)
    #expect(try await client.delete("/v1/datasets/d/predictions/\(id)/label").status == 204)
    #expect(try await client.labelsStored() == before)
  }

  private func deletion(_ client: HTTPClient) async throws {
    let first = try await client.get("/v1/datasets/d/labels?limit=3").json
    let ids = try first["data"].elements.map { try #require($0["id"].int) }
    #expect(try await client.delete("/v1/datasets/d/labels/\(ids[0])").status == 204)
    #expect(try await client.get("/v1/datasets/d/labels/\(ids[0])").status == 404)
    let two = try await client.delete("/v1/datasets/d/labels?id=\(ids[1]),\(ids[2])")
    #expect(two.json == ["deleted": 2])
    #expect(try await client.labelsStored() == 447)
    #expect(try await client.delete("/v1/datasets/d/labels").status == 400)
    #expect(try await client.get("/v1/datasets/d/models/3").json["labels_deleted_since"] == 3)
    #expect(try await client.delete("/v1/datasets/d/labels?all=true").json == ["deleted": 447])
    #expect(try await client.labelsStored() == 0)
    // The model still predicts after all labels are deleted. Deleting the dataset deletes everything in it.
    #expect(try await client.post("/v1/datasets/d/predictions", Self.row).status == 201)
    #expect(try await client.delete("/v1/datasets/d").status == 204)
    #expect(try await client.get("/v1/datasets/d").status == 404)
    #expect(try await client.post("/v1/datasets/d/predictions", Self.row).status == 404)
  }

  private static let row: JSON = ["features": ["x": 2.5, "c": "red"]]
}
