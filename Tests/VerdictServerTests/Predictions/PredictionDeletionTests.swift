import DomainTestSupport
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// Deletions of stored predictions.
@Suite struct PredictionDeletionTests {
  private static let path = "/v1/datasets/d/predictions"

  @Test(.timeLimit(.minutes(10)))
  func `one prediction goes, and its label stays unless it is named`() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(4)
      let client = server.client
      try await server.label(made.map { ($0.id, 1) })
      let live = try await server.liveKPIs()
      #expect(try await client.delete("\(Self.path)/\(made[0].id)").status == 204)
      #expect(try await client.delete("\(Self.path)/\(made[0].id)").status == 404)
      #expect(try await client.get("\(Self.path)/\(made[0].id)").status == 404)
      let labels = try await client.get("/v1/datasets/d/labels?source=prediction").json["data"].elements
      #expect(labels.count == 4 && labels[0]["prediction_id"] == .string(made[0].id))
      #expect(try await server.liveKPIs() == live)
      // Without its prediction the label can be corrected and deleted by its own number.
      #expect(try await client.delete("/v1/datasets/d/labels/\(labels[0]["id"].int ?? 0)").status == 204)
      #expect(try await client.delete("\(Self.path)/\(made[1].id)?labels=true").status == 204)
      #expect(try await client.labelsStored() == 402)
      let (kept, counted) = try await server.counts()
      #expect(kept == counted)
      #expect(counted[2] == 2)
      let audit = try await client.get("/v1/audit?limit=3").json["data"].elements
      #expect(audit.map { $0["detail"] } == ["1 prediction and 1 label", "1 label", "1 prediction"])
      for (role, status) in [(Role.read, 403), (.predict, 403), (.write, 204)] {
        let client = try await server.client(role: role)
        #expect(try await client.delete("\(Self.path)/\(made[2].id)").status == status)
      }
      #expect(try await client.delete("\(Self.path)/\(made[3].id)?labels=maybe").status == 400)
      #expect(try await client.delete("\(Self.path)/x").status == 404)
      let other = try await server.clientOfAnotherTenant()
      try await other.makeDataset()
      #expect(try await other.delete("\(Self.path)/\(made[3].id)").status == 404)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `filters say which predictions go`() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(12)
      let ids = made.map(\.id)
      let client = server.client
      try await server.refer(Array(ids[0..<3]), to: "a", group: "p")
      try await server.refer(Array(ids[3..<5]), to: "b", group: "p")
      try await server.refer([ids[5]], to: nil, group: "q")
      try await server.label([(ids[0], 1), (ids[6], 0)])
      for query in ["", "?all=false", "?all=true&group=p", "?reference=", "?since=2020", "?labels=true"] {
        let refused = try await client.delete(Self.path + query)
        #expect(refused.status == 400, "\(query): \(refused)")
      }
      let named = try await client.get(Self.path + "?reference=a").json["data"].elements
      #expect(named.compactMap { $0["id"].string } == Array(ids[0..<3].reversed()))
      #expect(try await client.get(Self.path + "?group=p&reference=b").json["data"].elements.count == 2)
      let export = try await client.get(Self.path + ".ndjson?group=p")
      #expect(export.text.split(separator: "\n").count == 5)

      func delete(_ query: String) async throws -> [Int?] {
        let answer = try HTTPClient.expect(200, await client.delete(Self.path + query)).json
        return [answer["deleted"].int, answer["labels_deleted"].int]
      }
      #expect(try await delete("?reference=a&labelled=false") == [2, 0])
      #expect(try await delete("?reference=a&labels=true") == [1, 1])
      #expect(try await delete("?group=p") == [2, 0])
      #expect(try await delete("?created_before=2001-01-01T00:00:00Z") == [0, 0])
      #expect(try await delete("?model_version=2") == [0, 0])
      #expect(try await delete("?labelled=true") == [1, 0])
      #expect(try await delete("?created_from=2001-01-01T00:00:00Z&group=q") == [1, 0])
      #expect(try await delete("?all=true") == [5, 0])
      let (kept, counted) = try await server.counts()
      #expect(kept == counted)
      #expect(counted[2] == 0)
      #expect(try await client.labelsStored() == 401)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `many predictions go in steps`() async throws {
    try await TestServer.with { server in
      let made = try await server.predicted(30)
      try await server.label(made.prefix(20).map { ($0.id, 1) })
      let deletion = PredictionDeletion(
        database: server.domain.database, autoTraining: server.domain.autoTraining)
      let deleted = try await deletion.delete(
        server.tenant, dataset: "d", where: PredictionFilter(), withLabels: true, rowsPerStep: 7)
      #expect(deleted == PredictionDeletion.Outcome(predictions: 30, labels: 20))
      let audit = try await server.client.get("/v1/audit?limit=5").json["data"].elements
      #expect(
        audit.map { $0["detail"] } == [
          "2 predictions", "7 predictions", "7 predictions and 6 labels", "7 predictions and 7 labels",
          "7 predictions and 7 labels",
        ])
      let (kept, counted) = try await server.counts()
      #expect(kept == counted)
    }
  }
}
