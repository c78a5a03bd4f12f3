import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Testing
import TestSupport
import VerdictCore

/// Makes the server run every statement of the domain, and leaves a tenant with rows in every table.
struct StatementDriver {
  let server: TestServer
  let recorder: StatementRecorder
  private var client: HTTPClient { server.client }

  func everything() async throws {
    try await datasets()
    try await labels()
    let ids = try await predictions()
    try await feedback(ids)
    try await models()
    try await automaticTraining()
    try await deletionDuringATraining()
    try await deletionBesideAWriter()
    try await Forgetting(server: server).everything()
    try await keysAndTenants()
    try await profiles()
    try await maintenance()
    _ = try await client.get("/v1/usage")
    _ = try await client.get("/v1/audit")
  }

  private func datasets() async throws {
    try await client.makeDataset("d")
    _ = try await client.get("/v1/datasets")
    _ = try await client.patch("/v1/datasets/d", ["gate": .null])
    try await client.makeDataset("gone")
    try await client.addLabels(SmallData.rows(40), "gone")
    try await client.train("gone")
    let batch: JSON = ["predictions": .array(SmallData.rows(5).map { ["features": $0.features] })]
    _ = try await client.post("/v1/datasets/gone/predictions/batch", batch)
    _ = try await client.delete("/v1/datasets/gone")
  }

  private func labels() async throws {
    try await client.addLabels(SmallData.rows(400))
    let keyed = "x,c,label,key\n1,red,1,k1\n2,blue,0,k2\n3,red,1,k3\n"
    for _ in 0..<2 {
      _ = try await client.send("POST", "/v1/datasets/d/labels", text: keyed, as: "text/csv")
    }
    let answer = try await client.post(
      "/v1/datasets/d/labels", SmallData.batch(SmallData.rows(1)), headers: ["Idempotency-Key": "once"])
    #expect(answer.status == 201)
    let list = try await client.get("/v1/datasets/d/labels?limit=3").json["data"]
    let ids = list.elements.compactMap { $0["id"].int }
    _ = try await client.get("/v1/datasets/d/labels/\(ids[0])")
    _ = try await client.patch("/v1/datasets/d/labels/\(ids[0])", ["label": 0])
    _ = try await client.delete("/v1/datasets/d/labels/\(ids[1])")
    for form in ["csv", "ndjson"] {
      _ = try await client.get("/v1/datasets/d/labels.\(form)")
    }
  }

  /// - Returns: the ids of stored predictions.
  private func predictions() async throws -> [String] {
    let queued = try await client.post("/v1/datasets/d/training-jobs", [:])
    let job = queued.json["id"].int ?? 0
    _ = try await client.get("/v1/datasets/d/training-jobs/\(job)")
    _ = try await client.get("/v1/datasets/d/training-jobs")
    _ = try await client.post("/v1/datasets/d/training-jobs/\(job)/cancel", [:])
    _ = try await client.post(
      "/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=0", "Idempotency-Key": "train"])
    try await client.train()
    let body: JSON = ["features": ["x": 1, "c": "red"]]
    let many: JSON = ["predictions": .array(SmallData.rows(200).map { ["features": $0.features] })]
    var ids: [String] = []
    for key in [nil, "predict"] {
      let headers = key.map { ["Idempotency-Key": $0] } ?? [:]
      let one = try await client.post("/v1/datasets/d/predictions", body, headers: headers)
      ids.append(try #require(one.json["id"].string))
      let large = try await client.post(
        "/v1/datasets/d/predictions/batch", many, headers: key.map { ["Idempotency-Key": $0 + "s"] } ?? [:])
      ids += large.json["predictions"].elements.prefix(30).compactMap { $0["id"].string }
    }
    _ = try await client.get("/v1/datasets/d/predictions/\(ids[0])")
    _ = try await client.get("/v1/datasets/d/predictions")
    _ = try await client.get("/v1/datasets/d/predictions?sort=uncertainty&labelled=false")
    _ = try await client.get("/v1/datasets/d/predictions.csv")
    return ids
  }

  private func feedback(_ ids: [String]) async throws {
    for (index, id) in ids.enumerated() {
      _ = try await client.put(
        "/v1/datasets/d/predictions/\(id)/label", ["label": .number(Double(index % 2))])
    }
    _ = try await client.delete("/v1/datasets/d/predictions/\(ids[0])/label")
    try await server.label([(ids[1], 1), (ids[2], .null), (ids[3], 0)])
    let labels = try await client.get("/v1/datasets/d/labels?source=prediction").json["data"]
    _ = try await client.patch("/v1/datasets/d/labels/\(labels[0]["id"].int ?? 0)", ["label": 1])
    _ = try await client.patch("/v1/datasets/d/labels/\(labels[0]["id"].int ?? 0)", ["label": 0])
    _ = try await server.liveKPIs()
    _ = try await client.get("/v1/datasets/d/models/1/live-kpis?since=2020-01-01T00:00:00Z")
    let body: JSON = ["features": ["x": 1, "c": "red"]]
    for metric in ["accuracy", "roc_auc"] {
      for minimum in [0.01, 0.9999] {
        let gate: JSON = [
          "metric": .string(metric), "minimum": .number(minimum), "source": "live", "min_labels": 5,
          "bound": "estimate",
        ]
        _ = try await client.patch("/v1/datasets/d", ["gate": gate])
        _ = try await client.post("/v1/datasets/d/predictions", body)
        _ = try await client.put(
          "/v1/datasets/d/predictions/\(ids[5])/label", ["label": minimum > 0.5 ? 1 : 0])
        _ = try await client.post("/v1/datasets/d/predictions?store=false", body)
      }
    }
    _ = try await client.patch("/v1/datasets/d", ["gate": .null])
  }

  private func models() async throws {
    try await client.train()
    for path in ["models", "models/1", "models/2/curves", "kpis", "models/1/export.sql"] {
      _ = try await client.get("/v1/datasets/d/\(path)")
    }
    _ = try await client.put("/v1/datasets/d/models/active", ["version": 1, "pinned": true])
    _ = try await client.get("/v1/datasets/d/models/compare?champion=1&challenger=2")
    _ = try await client.delete("/v1/datasets/d/models/2")
    _ = try await client.put("/v1/datasets/d/models/active", ["version": 1])
    _ = try await client.patch("/v1/datasets/d", ["activation": ["policy": "best", "metric": "log_loss"]])
    let compared = try await client.post(
      "/v1/datasets/d/training-jobs", ["C": 0.5], headers: ["Prefer": "wait=60"])
    #expect(compared.json["state"] == "succeeded")
    _ = try await client.patch("/v1/datasets/d", ["activation": .null])
    #expect(try await client.get("/v1/datasets/d/promotions").json["data"].elements.isEmpty == false)
  }

  /// Trains until every statement of `LabelReader` has run. Transactions of other tests on the same server can prevent a job from
  /// reading only the changed labels.
  private func automaticTraining() async throws {
    let policy: JSON = [
      "auto_train": ["enabled": true, "min_new_labels": 10, "max_delay_seconds": 0], "models_kept": 2,
    ]
    _ = try await client.patch("/v1/datasets/d", policy)
    for round in 0..<100 {
      if try round >= 3 && !isUnseen("LabelReader.swift") { break }
      let before = try await client.dataset()["active_model"]["version"].int ?? 0
      let first = try await client.get("/v1/datasets/d/labels?limit=1").json["data"][0]["id"].int ?? 0
      _ = try await client.delete("/v1/datasets/d/labels/\(first)")
      try await client.addLabels(SmallData.rows(20, from: 1_000 + 20 * round))
      _ = try await eventually {
        try await client.dataset()["active_model"]["version"].int ?? 0 > before ? true : nil
      }
    }
    try await missedTraining()
    _ = try await client.patch("/v1/datasets/d", ["auto_train": .null])
  }

  /// Cancels a training and makes it appear as a missed one.
  private func missedTraining() async throws {
    let policy: JSON = ["auto_train": ["min_new_labels": 1_000_000, "max_delay_seconds": 3_600]]
    _ = try await client.patch("/v1/datasets/d", policy)
    let job = try #require(try await client.addLabels(SmallData.rows(1, from: 900))["training_job"].int)
    _ = try await client.post("/v1/datasets/d/training-jobs/\(job)/cancel", [:])
    let (domain, tenant) = (server.domain, server.tenant)
    _ = try await domain.database.transaction(for: tenant) { tx in
      try await tx.query("UPDATE datasets SET reading_changes = 0 WHERE tenant_id = \(tenant) AND name = 'd'")
    }
    try await MissedTrainings(
      database: domain.database, autoTraining: domain.autoTraining, logger: domain.logger
    ).enqueueDueTrainings()
    let newest = try await client.get("/v1/datasets/d/training-jobs").json["data"][0]
    #expect(newest["state"] == "queued" && newest["trigger"] == "auto")
  }

  /// Trains until a label is deleted between a job's reading and its end.
  private func deletionDuringATraining() async throws {
    try await client.addLabels(SmallData.rows(20_000, from: 10_000))
    let slow: JSON = ["validation": ["method": "kfold", "folds": 10], "penalty": "l1"]
    for _ in 0..<10 {
      let queued = try await client.post("/v1/datasets/d/training-jobs", slow).json["id"].int ?? 0
      _ = try await eventually { () -> Bool? in
        let newest = try await client.get("/v1/datasets/d/labels?limit=1").json["data"][0]["id"].int ?? 0
        _ = try await client.delete("/v1/datasets/d/labels/\(newest)")
        let job = try await client.get("/v1/datasets/d/training-jobs/\(queued)").json
        return job["finished_at"] == .null ? nil : true
      }
      if try !isUnseen("TrainingRunner.swift") { return }
    }
  }

  /// Whether a statement of the file has not been sent yet.
  private func isUnseen(_ file: String) throws -> Bool {
    try !StatementSources.calls(of: "VerdictCore", in: file).isSubset(of: recorder.places)
  }

  /// Creates a dataset while the deletion of an earlier one of its name waits for a writer.
  private func deletionBesideAWriter() async throws {
    try await client.makeDataset("held")
    let (domain, tenant, client) = (server.domain, server.tenant, client)
    try await domain.database.transaction(for: tenant) { tx in
      _ = try await domain.datasets.dataset(tenant, named: "held", lock: .keyShare, in: tx)
      _ = try await client.delete("/v1/datasets/held")
    }
    try await client.makeDataset("held")
  }

  private func keysAndTenants() async throws {
    let made = try await client.post("/v1/keys", ["name": "k", "role": "read"])
    _ = try await client.get("/v1/keys")
    _ = try await client.get("/v1/keys/\(made.json["id"].int ?? 0)")
    _ = try await client.get("/v1/me")
    _ = try await client.delete("/v1/keys/\(made.json["id"].int ?? 0)")
    let store = TenantStore(database: server.domain.database)
    let (tenant, _) = try await store.create(name: "erased", keyName: "first")
    _ = try await store.find(name: "erased")
    for number in [5, nil] {
      _ = try await store.setLimits(tenant.id) { limits in
        limits[set: .jobs] = number
        limits[set: .rows] = number
      }
    }
    _ = try await store.limits(tenant.id)
    try await server.domain.asOwner { connection in
      try await connection.execute(
        script: """
          INSERT INTO jobs (tenant_id, kind, subject, origin) VALUES (\(tenant.id.rawValue), 'erased', 1, 'manual');
          INSERT INTO idempotency_keys (tenant_id, key, operation) VALUES (\(tenant.id.rawValue), 'k', 'POST /x');
          """)
    }
    try await store.delete(tenant.id)
    // At its limit, a tenant's transactions read the usage a second time.
    _ = try await store.setLimits(server.tenant) { $0[set: .rows] = 22_000 }
    try await client.addLabels(SmallData.rows(1, from: 9_000))
    _ = try await store.setLimits(server.tenant) { limits in
      limits[set: .rows] = nil
      limits[set: .jobs] = 4
    }
  }

  /// A training stores its profile after its result.
  private func profiles() async throws {
    try await client.train()
    try await eventually { () -> Bool in
      try await server.domain.asOwner {
        try await $0.query("SELECT FROM profiles").isEmpty == false
      }
    }
    _ = try await client.get("/v1/datasets/d/profile")
    try await client.makeDataset("sampled")
    try await client.addLabels(SmallData.rows(40), "sampled")
    for rows in [10, 100] {
      _ = try await ProfileStore(database: server.domain.database, sampleRows: rows).profile(
        server.tenant, dataset: "sampled", after: nil, limit: 10)
    }
  }

  private func maintenance() async throws {
    // Without notifications, every use revalidates the cache against the database.
    let served = ServedDatasets(database: server.domain.database)
    for _ in 0..<2 { _ = try await served.served(server.tenant, named: "d") }
    _ = try await server.domain.database.transaction(for: server.tenant) { [tenant = server.tenant] tx in
      try await served.served(tenant, named: "d", asking: tx).dataset.name
    }
    // A large model is read by a statement of its own.
    try await server.domain.enlargeModels(categories: 5_000)
    _ = try await ServedDatasets(database: server.domain.database).served(server.tenant, named: "d")
    _ = try await client.patch("/v1/datasets/d", ["predictions_kept_days": 1])
    try await server.domain.asOwner { connection in
      _ = try await connection.query(
        """
        UPDATE predictions SET created_at = now() - interval '3 days' WHERE id IN (
          SELECT p.id FROM predictions p JOIN datasets d ON d.id = p.dataset_id WHERE d.name = 'd' ORDER BY p.id LIMIT 2)
        """)
    }
    let gate: JSON = [
      "metric": "roc_auc", "minimum": 0.01, "source": "live", "min_labels": 5, "bound": "estimate",
    ]
    _ = try await client.patch("/v1/datasets/d", ["gate": gate])
    try await Maintenance(
      database: server.domain.database, auditRetentionDays: 365, logger: server.domain.logger
    ).maintain()
    try await eventually { try !isUnseen("LiveGateEvaluator.swift") && !isUnseen("LiveGate.swift") }
  }
}
