import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import Testing

/// Rows and models that were stored before categories had one spelling are read by the same rule as new rows.
@Suite struct EarlierSpellingTests {
  private static let declaration: [String: JSON] = [
    "features": [
      ["name": "code", "type": "categorical"],
      ["name": "listed", "type": "categorical", "categories": ["3.0", "4"]],
    ]
  ]

  /// Replaces the categories of all labels, as an earlier version would have stored them from CSV.
  private static func store(_ categories: [[String]], in server: TestServer) async throws {
    try await server.domain.asOwner { connection in
      let ids = try await connection.query("SELECT id FROM labels ORDER BY id").map {
        try $0.decode(Int.self)
      }
      for (index, id) in ids.enumerated() {
        try await connection.query(
          "UPDATE labels SET categories = \(categories[index % categories.count]) WHERE id = \(id)")
      }
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func storedSpellingsAreOneCategory() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset("d", Self.declaration)
      let rows = (0..<60).map { #"{"features":{"code":"x"},"label":\#($0 % 3 == 0 ? 1 : 0)}"# + "\n" }
        .joined()
      let added = try await client.send(
        "POST", "/v1/datasets/d/labels", text: rows, as: "application/x-ndjson")
      #expect(added.status == 201)
      try await Self.store(
        [
          ["3.0", "3.0"], ["3", "3.0"], ["True", "4"], ["true", "4"], ["si\u{301}", "4"], ["s\u{ed}", "4"],
        ],
        in: server)
      let job = try await client.post("/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=60"])
      #expect(job.json["state"] == "succeeded", "\(job.text)")
      let model = try await client.get("/v1/datasets/d/models/1").json
      let categories = model["features"].elements.map {
        $0["categories"].elements.compactMap(\.string).sorted()
      }
      #expect(categories == [["3", "s\u{ed}", "true"], ["3.0", "4"]])
      for code in [JSON(integerLiteral: 3), "3", "3.0", true, "True", "si\u{301}"] {
        let answer = try await client.post(
          "/v1/datasets/d/predictions?store=false", ["features": ["code": code, "listed": "3.0"]])
        #expect(answer.json["warnings"] == [], "\(code) \(answer.text)")
      }
      for type in ["text/csv", "application/x-ndjson"] {
        let export = try await client.get("/v1/datasets/d/labels", headers: ["Accept": type])
        #expect(!export.text.contains("True") && !export.text.unicodeScalars.contains("\u{301}"))
        #expect(export.text.contains(type == "text/csv" ? "\r\n3,3.0,1\r\n" : #""code":"3","listed":"3.0""#))
      }
    }
  }

  @Test(.timeLimit(.minutes(5)))
  func aModelOfAnEarlierVersionKnowsTheSpellings() async throws {
    try await TestServer.with { server in
      let client = server.client
      try await client.makeDataset("d", Self.declaration)
      let rows = (0..<60).map {
        #"{"features":{"code":"\#($0 % 2 == 0 ? "3" : "true")","listed":"3.0"},"label":\#($0 % 3 == 0 ? 1 : 0)}"#
          + "\n"
      }.joined()
      _ = try await client.send("POST", "/v1/datasets/d/labels", text: rows, as: "application/x-ndjson")
      let job = try await client.post("/v1/datasets/d/training-jobs", [:], headers: ["Prefer": "wait=60"])
      #expect(job.json["state"] == "succeeded", "\(job.text)")
      func probability(_ code: JSON) async throws -> JSON {
        let answer = try await client.post(
          "/v1/datasets/d/predictions?store=false", ["features": ["code": code, "listed": "3.0"]])
        #expect(answer.json["warnings"] == [], "\(answer.text)")
        return answer.json["probability"]
      }
      let before = try await (probability(3), probability(true))
      try await server.domain.asOwner { connection in
        try await connection.query(
          """
          UPDATE models SET model =
            replace(replace(model::text, '"name": "3"', '"name": "3.0"'), '"name": "true"', '"name": "True"')::jsonb
          """)
        try await connection.query("UPDATE datasets SET revision = revision + 1")
      }
      try await server.withAnother { other in
        for (code, expected) in [(JSON(integerLiteral: 3), before.0), (true, before.1)] {
          let answer = try await other.post(
            "/v1/datasets/d/predictions?store=false", ["features": ["code": code, "listed": "3.0"]])
          #expect(answer.json["warnings"] == [] && answer.json["probability"] == expected, "\(answer.text)")
        }
      }
      let export = try await client.get(
        "/v1/datasets/d/models/1/export", headers: ["Accept": "application/sql"])
      #expect(!export.text.contains("True"), "\(export.text.prefix(500))")
    }
  }
}
