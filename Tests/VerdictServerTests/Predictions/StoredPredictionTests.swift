import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Testing
import VerdictCore

/// Lists, exports and retention of stored predictions.
@Suite struct StoredPredictionTests {
  @Test(.timeLimit(.minutes(10)))
  func uncertainPredictionsComeFirstAndPagesHaveNoGaps() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(50)
      func distance(_ answer: JSON) -> Double {
        abs((answer["probability"].double ?? 0) - (answer["threshold"].double ?? 0))
      }
      let expected = made.sorted { distance($0.answer) < distance($1.answer) }.map(\.id)
      var seen: [String] = []
      var cursor: String?
      repeat {
        let query = cursor.map { "&cursor=\($0)" } ?? ""
        let page = try await server.client.get(
          "/v1/datasets/d/predictions?sort=uncertainty&limit=7\(query)"
        ).json
        seen += page["data"].elements.compactMap { $0["id"].string }
        cursor = page["next_cursor"].string
        // New predictions do not move those that were already listed.
        if seen.count == 21 { _ = try await server.predictMore(1, from: 9_000) }
      } while cursor != nil
      #expect(seen.filter { expected.contains($0) } == expected)
      #expect(Set(seen).count == seen.count)
      try await server.label([(expected[0], 1)])
      let open = try await server.client.get(
        "/v1/datasets/d/predictions?sort=uncertainty&labelled=false&limit=1"
      ).json["data"]
      #expect(open[0]["id"].string != expected[0])
      #expect(
        try await server.client.get("/v1/datasets/d/predictions?sort=uncertainty&cursor=YQ").status == 400)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func timesFilterListsAndExports() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(10)
      try await server.domain.asOwner { connection in
        _ = try await connection.query(
          "UPDATE predictions SET created_at = created_at - interval '1 second' WHERE id = \(UUID(uuidString: made[0].id))"
        )
      }
      let times = try await server.client.get("/v1/datasets/d/predictions?limit=1000").json["data"].elements
        .compactMap { $0["created_at"].string }
      let newest = try #require(times.max())
      let path = "/v1/datasets/d/predictions"
      let before = try await server.client.get("\(path)?created_before=\(newest)").json["data"].elements
      #expect(before.map { $0["id"].string } == [made[0].id])
      let from = try await server.client.get("\(path)?created_from=\(newest)").json["data"].elements
      #expect(from.count == 9)
      #expect(try await server.client.get("\(path)?created_from=yesterday").status == 400)
      try await server.label([(made[3].id, 1)])
      let lines = try await server.client.get("\(path).ndjson?created_from=\(newest)").text.split(
        separator: "\n")
      #expect(lines.count == 9)
      let listed = try await server.client.get("\(path)/\(made[3].id)").text
      #expect(lines.contains { $0 == listed })
      let table = try await server.client.get("\(path).csv?labelled=true").text
      let rows = table.split(separator: "\r\n")
      #expect(rows.count == 2)
      let tail = "true_label,labelled_at,reference,group,occurred_at"
      let header = "id,created_at,model_version,label,probability,threshold,\(tail)"
      #expect(rows.first.map(String.init) == header + ",\"x\",\"c\"")
      #expect(rows.last?.hasPrefix(made[3].id) == true)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func oldPredictionsAreDeletedAndTheirLabelsKept() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(20)
      let maintenance = Maintenance(database: server.domain.database, logger: server.domain.logger)
      try await server.label([(made[0].id, 1), (made[19].id, 0)])
      try await server.domain.asOwner { connection in
        _ = try await connection.query(
          "UPDATE predictions SET created_at = created_at - interval '31 days' WHERE id <= \(UUID(uuidString: made[9].id))"
        )
      }
      try await maintenance.maintain()
      #expect(try await server.client.get("/v1/datasets/d/predictions").json["data"].elements.count == 20)
      let patched = try await server.client.patch("/v1/datasets/d", ["predictions_kept_days": 30])
      #expect(patched.json["predictions_kept_days"] == 30)
      try await maintenance.maintain()
      let kept = try await server.client.get("/v1/datasets/d/predictions").json["data"].elements
      #expect(Set(kept.compactMap { $0["id"].string }) == Set(made.suffix(10).map(\.id)))
      #expect(try await server.client.labelsStored() == 402)
      #expect(try await server.liveKPIs()["validation_rows"] == 2)
      #expect(try await server.client.get("/v1/datasets/d/predictions/\(made[0].id)").status == 404)
      let forever = try await server.client.patch("/v1/datasets/d", ["predictions_kept_days": .null])
      #expect(forever.json["predictions_kept_days"] == .null)
    }
  }
}
