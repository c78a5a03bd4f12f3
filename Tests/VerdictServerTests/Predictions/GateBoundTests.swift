import DomainTestSupport
import HTTPTestSupport
import Learning
import PostgreSQL
import TestSupport
import Testing

/// Gates that compare the careful end of an interval, and gates on live KPIs of which only one decision is known.
@Suite struct GateBoundTests {
  private static let row: JSON = ["features": ["x": 1, "c": "red"]]

  @Test(.timeLimit(.minutes(10)))
  func newGatesCompareTheCarefulEnd() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let kpis = try await server.client.get("/v1/datasets/d/models/1").json["kpis"]
      for (metric, careful) in [("roc_auc", 0), ("log_loss", 1), ("accuracy", 0)] {
        let value = try #require(kpis[metric].double)
        let end = try #require(kpis["intervals"][metric][careful].double)
        let gate: JSON = ["metric": .string(metric), "minimum": .number((value + end) / 2)]
        let patched = try await server.client.patch("/v1/datasets/d", ["gate": gate])
        #expect(patched.json["gate"]["bound"] == "lower")
        let refused = try await server.client.post("/v1/datasets/d/predictions", Self.row)
        #expect(refused.problem == "model-below-gate", "\(metric)")
        #expect(refused.json["value"].double == value)
        #expect(refused.json["interval"][careful].double == end)
        #expect(refused.json["bound"] == "lower" && refused.json["reason"] == .null)
        let word = careful == 0 ? "a lower end of at least" : "an upper end of at most"
        #expect(refused.json["detail"].string?.contains(word) == true)
        // The estimate passes, and so does the end itself.
        for change: JSON in [["bound": "estimate"], ["bound": "lower", "minimum": .number(end)]] {
          #expect(try await server.client.patch("/v1/datasets/d", ["gate": change]).status == 200)
          #expect(try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 201)
        }
        _ = try await server.client.patch("/v1/datasets/d", ["gate": .null])
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func storedGatesCompareTheEstimate() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(1)
      let value = try #require(
        try await server.client.get("/v1/datasets/d/models/1").json["kpis"]["roc_auc"].double)
      // As an earlier version stored it.
      try await server.domain.asOwner { connection in
        _ = try await connection.query(
          """
          UPDATE datasets SET revision = revision + 1,
            gate = jsonb_build_object('metric', 'roc_auc', 'minimum', \(value)::float8, 'source', 'validation', 'min_labels', 100)
          WHERE name = 'd'
          """)
      }
      #expect(try await server.client.dataset()["gate"]["bound"] == "estimate")
      let patched = try await server.client.patch(
        "/v1/datasets/d", ["gate": ["minimum": .number(value - 0.001)]])
      #expect(patched.json["gate"]["bound"] == "estimate")
      #expect(try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 201)
      _ = try await server.client.patch("/v1/datasets/d", ["gate": ["bound": "lower"]])
      #expect(try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 409)
    }
  }

  /// Outcomes of decisions 1 alone say nothing of recall, which is 1 on the labelled predictions.
  @Test(.timeLimit(.minutes(10)), arguments: ["recall", "accuracy", "roc_auc"], ["lower", "estimate"])
  func labelsOfOneDecisionOpenNoGate(metric: String, bound: String) async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(120)
      let (ones, zeros) = (made.filter { $0.answer["label"] == 1 }, made.filter { $0.answer["label"] == 0 })
      try await server.label(ones.map { ($0.id, 1) })
      var live = try await server.liveKPIs()
      #expect(live[metric] == .null && live["precision"] == 1)
      #expect(live["unlabelled"] == ["0": .number(Double(zeros.count)), "1": 0])
      #expect(
        live["reason"].string == "no outcome is known of \(zeros.count) predictions that were decided 0")
      let gate: JSON = [
        "metric": .string(metric), "minimum": 0.2, "source": "live", "min_labels": 20,
        "bound": .string(bound),
      ]
      _ = try await server.client.patch("/v1/datasets/d", ["gate": gate])
      for path in ["predictions", "predictions?store=false"] {
        let refused = try await server.client.post("/v1/datasets/d/\(path)", Self.row)
        #expect(refused.problem == "model-below-gate")
        #expect(refused.json["value"] == .null && refused.json["interval"] == .null)
        #expect(refused.json["labels"].int == ones.count)
        #expect(refused.json["reason"] == live["reason"])
      }
      // A part of the other decision is enough, and counts for all of it.
      try await server.label(
        zeros.prefix(zeros.count / 2).enumerated().map { ($1.id, JSON.number($0 < 3 ? 1 : 0)) })
      live = try await server.liveKPIs()
      let half = Double(zeros.count / 2)
      let missed = 3 / half * Double(zeros.count)
      let recall = Double(ones.count) / (Double(ones.count) + missed)
      #expect(abs(try #require(live["recall"].double) - recall) < 1e-12)
      #expect(live["reason"] == .null)
      #expect(try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 201)
    }
  }

  /// The gate counts many predictions in the background.
  @Test(.timeLimit(.minutes(10)))
  func manyPredictionsAreCountedInTheBackground() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(60)
      let ones = made.filter { $0.answer["label"] == 1 }
      let gate: JSON = [
        "metric": "recall", "minimum": 0.1, "source": "live", "min_labels": 5, "bound": "estimate",
      ]
      _ = try await server.client.patch("/v1/datasets/d", ["gate": gate])
      _ = try await server.predictMore(1_000, from: 9_000)
      #expect(try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 201)
      try await server.label(ones.prefix(10).map { ($0.id, 1) })
      try await eventually {
        try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 409
      }
      let zeros = made.filter { $0.answer["label"] == 0 }
      try await server.label(zeros.prefix(5).map { ($0.id, 0) })
      try await eventually {
        try await server.client.post("/v1/datasets/d/predictions", Self.row).status == 201
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func parametersAreChecked() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(2)
      let path = "/v1/datasets/d/models/1/live-kpis"
      for query in ["since=yesterday", "since=", "since=2026-13-01T00:00:00Z", "until=2026-01-01T00:00:00Z"] {
        let refused = try await server.client.get("\(path)?\(query)")
        #expect(refused.status == 400 && refused.problem == "invalid-parameter", "\(query)")
      }
      let live = try await server.client.get("\(path)?since=2000-01-01T01:00:00%2B01:00").json
      #expect(live["since"] == "2000-01-01T00:00:00.000Z")
      #expect((live["unlabelled"]["0"].int ?? 0) + (live["unlabelled"]["1"].int ?? 0) == 2)
      let later = try await server.client.get("\(path)?since=9999-12-31T23:59:59Z").json
      #expect(later["unlabelled"] == ["0": 0, "1": 0])
      let other = try await server.clientOfAnotherTenant()
      #expect(try await other.get(path).status == 404)
    }
  }
}
