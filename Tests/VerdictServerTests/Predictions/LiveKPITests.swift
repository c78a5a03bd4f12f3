import DomainTestSupport
import HTTPTestSupport
import Learning
import PostgreSQL
import Synchronization
import TestSupport
import Testing

/// KPIs on labelled predictions, and the gate that uses them.
@Suite struct LiveKPITests {
  @Test(.timeLimit(.minutes(10)))
  func liveKPIsDescribeLabelledPredictions() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(300)
      #expect(try await server.liveKPIs()["accuracy"] == .null)
      #expect(try await server.liveKPIs()["validation_rows"] == 0)
      let labelled = made.prefix(200)
      try await server.label(labelled.map { ($0.id, .number(Double($0.row.label))) })
      let live = try await server.liveKPIs()
      let scores = labelled.compactMap { $0.answer["probability"].double }
      let outcomes = labelled.map { UInt8($0.row.label) }
      let threshold = try #require(made[0].answer["threshold"].double)
      let ones = made.count { $0.answer["label"] == 1 }
      let expected = try KPIs(
        scores: scores, outcomes: outcomes, threshold: threshold,
        standingFor: DecisionCounts(zeros: 300 - ones, ones: ones))
      #expect(live["validation_rows"] == 200)
      #expect(live["roc_auc"].double == expected[.rocAUC])
      #expect(live["log_loss"].double == expected[.logLoss])
      #expect(live["mcc"].double == expected[.mcc])
      #expect(live["intervals"]["roc_auc"][0].double == expected.intervals[.rocAUC]?.low)
      #expect(live["unlabelled"]["1"].int == made.dropFirst(200).count { $0.answer["label"] == 1 })
      #expect(live["unlabelled"]["0"].int == made.dropFirst(200).count { $0.answer["label"] == 0 })
      #expect(live["too_young"] == ["0": 0, "1": 0])
      #expect(live["reason"] == .null && live["since"] == .null)
      #expect(live["confusion_matrix"]["false_negative"].int == expected.confusionMatrix.falseNegative)
      #expect(live["model_version"] == 1)
      // Live KPIs are kept apart from the training's, and survive the deletion of a prediction. Deleted predictions without a label
      // are forgotten.
      let history = try await server.client.get("/v1/datasets/d/kpis").json["data"]
      #expect(history[0]["validation_rows"] == 80)
      try await server.domain.asOwner { _ = try await $0.query("DELETE FROM predictions") }
      _ = try await server.predictMore(1, from: 7_000)
      let remaining = try await server.liveKPIs()
      let rest = DecisionCounts(
        zeros: remaining["unlabelled"]["0"].int ?? 0, ones: remaining["unlabelled"]["1"].int ?? 0)
      #expect(rest.total == 1)
      #expect(remaining["confusion_matrix"] == live["confusion_matrix"])
      #expect(
        try remaining["roc_auc"].double
          == KPIs(
            scores: scores, outcomes: outcomes, threshold: threshold,
            standingFor: rest + DecisionCounts(expected.confusionMatrix))[.rocAUC])
      // Corrected and deleted labels change the live KPIs.
      let labels = try await server.client.get("/v1/datasets/d/labels?source=prediction").json["data"]
      let (one, two) = (labels[0], labels[1])
      let flipped = JSON.number(1 - (one["label"].double ?? 0))
      _ = try await server.client.patch("/v1/datasets/d/labels/\(one["id"].int ?? 0)", ["label": flipped])
      _ = try await server.client.delete("/v1/datasets/d/labels/\(two["id"].int ?? 0)")
      let after = try await server.liveKPIs()
      #expect(after["validation_rows"] == 199)
      #expect(after["positives"] != live["positives"] || after["negatives"] != live["negatives"])
      #expect(try await server.client.get("/v1/datasets/d/models/2/live-kpis").status == 404)
    }
  }

  /// A live gate on two servers, for a KPI from counts and one from rows: it closes and opens on both servers with the label that
  /// crosses the minimum.
  @Test(.timeLimit(.minutes(10)), arguments: ["accuracy", "roc_auc"])
  func liveGatesApplyOnEveryServer(metric: String) async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(60)
      let gate: JSON = [
        "metric": .string(metric), "minimum": 0.6, "source": "live", "min_labels": 20, "bound": "estimate",
      ]
      let patched = try await server.client.patch("/v1/datasets/d", ["gate": gate])
      #expect(patched.json["gate"] == gate)
      try await server.withAnother { other in
        let body: JSON = ["features": made[0].row.features]
        func statuses() async throws -> [Int] {
          [
            try await server.client.post("/v1/datasets/d/predictions", body).status,
            try await other.post("/v1/datasets/d/predictions", body).status,
          ]
        }
        // All predictions are wrong, but too few are labelled, so the validation decides.
        let wrong = made.map { (id: $0.id, label: JSON.number(1 - ($0.answer["label"].double ?? 0))) }
        try await server.label(Array(wrong.prefix(19)))
        #expect(try await statuses() == [201, 201])
        _ = try await server.client.put(
          "/v1/datasets/d/predictions/\(wrong[19].id)/label", ["label": wrong[19].label])
        #expect(try await statuses() == [409, 409])
        let refused = try await other.post("/v1/datasets/d/predictions/batch", ["predictions": [body]])
        #expect(refused.problem == "model-below-gate")
        #expect(refused.json["source"] == "live")
        #expect(refused.json["labels"] == 20)
        #expect(try #require(refused.json["value"].double) < 0.6)
        // Another wrong prediction changes the values but not the decision; the response has the current values.
        try await server.label([wrong[20]])
        #expect(try await other.post("/v1/datasets/d/predictions", body).json["labels"] == 21)
        // Corrected labels open the gate without a PATCH or a training.
        try await server.label(made.prefix(30).map { ($0.id, $0.answer["label"]) })
        #expect(try await statuses() == [201, 201])
        // With fewer labels than the minimum, the validation decides again.
        try await server.label(Array(wrong.prefix(30)))
        #expect(try await statuses() == [409, 409])
        _ = try await server.client.send(
          "DELETE", "/v1/datasets/d/labels?source=prediction")
        #expect(try await statuses() == [201, 201])
      }
    }
  }

  /// A KPI that needs all labelled predictions is computed at most once a second, not for each refusal.
  @Test(.timeLimit(.minutes(10)))
  func refusalsDoNotRecomputeKPIsEachTime() async throws {
    let reads = Atomic(0)
    try await TestServer.with(observer: { query, _, _ in
      if query.sql.contains("SELECT probability, label FROM labels") { reads.add(1, ordering: .relaxed) }
    }) { server in
      let made = try await server.predicted(30)
      try await server.label(made.map { ($0.id, .number(1 - ($0.answer["label"].double ?? 0))) })
      _ = try await server.client.patch(
        "/v1/datasets/d",
        [
          "gate": [
            "metric": "roc_auc", "minimum": 0.9, "source": "live", "min_labels": 20, "bound": "estimate",
          ]
        ])
      let body: JSON = ["features": made[0].row.features]
      let before = reads.load(ordering: .relaxed)
      let start = ContinuousClock.now
      for _ in 0..<100 {
        #expect(try await server.client.post("/v1/datasets/d/predictions", body).status == 409)
      }
      // One computation for each second, one at the start, and one when the dataset was loaded.
      let most = 2 + Int((ContinuousClock.now - start) / .seconds(1))
      #expect(reads.load(ordering: .relaxed) - before <= most)
    }
  }

  /// A gate on a KPI of many labelled predictions is evaluated after the label's transaction: on both servers within a second, and
  /// not once for each label.
  @Test(.timeLimit(.minutes(10)))
  func manyLabelledPredictionsAreReadInTheBackground() async throws {
    let reads = Atomic(0)
    try await TestServer.with(observer: { query, _, _ in
      if query.sql.contains("SELECT probability, label FROM labels") { reads.add(1, ordering: .relaxed) }
    }) { server in
      let made = try await server.predicted(60)
      let gate: JSON = [
        "metric": "roc_auc", "minimum": 0.6, "source": "live", "min_labels": 20, "bound": "estimate",
      ]
      _ = try await server.client.patch("/v1/datasets/d", ["gate": gate])
      let body: JSON = ["features": made[0].row.features]
      try await server.withAnother { other in
        func statuses() async throws -> [Int] {
          [
            try await server.client.post("/v1/datasets/d/predictions", body).status,
            try await other.post("/v1/datasets/d/predictions", body).status,
          ]
        }
        #expect(try await statuses() == [201, 201])
        // Two thousand wrong predictions, whose labels no server has seen.
        try await server.domain.asOwner { connection in
          _ = try await connection.query(
            """
            WITH wrong AS (
              INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories, model_version, probability, predicted)
              SELECT tenant_id, id, n % 2 = 0, ARRAY[1.0], ARRAY['red'], 1, n % 2, n % 2 = 1
              FROM datasets, generate_series(1, 2000) AS n WHERE name = 'd' RETURNING 1)
            INSERT INTO live_counts (tenant_id, dataset_id, model_version, false_positives, false_negatives)
            SELECT tenant_id, id, 1, 1000, 1000 FROM datasets WHERE name = 'd' AND EXISTS (SELECT FROM wrong)
            """)
        }
        #expect(try await statuses() == [201, 201])
        let before = reads.load(ordering: .relaxed)
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
          for one in made {
            group.addTask {
              let answer = try await server.client.put(
                "/v1/datasets/d/predictions/\(one.id)/label", ["label": .number(Double(one.row.label))])
              #expect(answer.status == 200)
            }
          }
          try await group.waitForAll()
        }
        let duration = ContinuousClock.now - start
        try await eventually { try await statuses() == [409, 409] }
        // A few evaluations in that time, one for each server that loads the dataset again, and one for each second of refusals.
        let most = 8 + 4 * Int((ContinuousClock.now - start) / .seconds(1))
        #expect(reads.load(ordering: .relaxed) - before <= most, "\(duration)")
        let open: JSON = ["metric": "roc_auc", "minimum": 0.0, "source": "live", "min_labels": 20]
        _ = try await server.client.patch("/v1/datasets/d", ["gate": open])
        #expect(try await statuses() == [201, 201])
      }
    }
  }
}
