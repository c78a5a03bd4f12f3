import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import Synchronization
import Testing
import VerdictCore

/// A page of the most uncertain predictions costs a bounded amount.
@Suite struct UncertaintyTests {
  /// Adds predictions of the first model with distinct distances.
  private func add(_ count: Int, to server: TestServer) async throws {
    try await server.domain.asOwner { connection in
      _ = try await connection.query(
        """
        INSERT INTO predictions (tenant_id, dataset_id, id, model_version, label, probability, threshold, numbers, categories)
        SELECT d.tenant_id, d.id,
               ('0192' || lpad(to_hex(n), 8, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
               1, true, 0.5 + n / 1e7, 0.5, ARRAY[1.0], ARRAY['red']
        FROM datasets d, generate_series(1, \(count)) AS n WHERE d.name = 'd'
        """)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func manyClientsShareOneRanking() async throws {
    let rankings = Atomic(0)
    try await TestServer.with(observer: { query, _, _ in
      if query.sql.contains("AS distance") { rankings.add(1, ordering: .relaxed) }
    }) { server in
      _ = try await server.predicted(20)
      try await add(120_000, to: server)
      let path = "/v1/datasets/d/predictions?sort=uncertainty&labelled=false&limit=1"
      let first = try await server.client.get(path).json
      // The twenty thousand oldest are left out; ids grow with the distance.
      let answered = try await withThrowingTaskGroup(of: JSON.self) { group in
        for _ in 0..<24 { group.addTask { try await server.client.get(path).json["data"][0]["id"] } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answered.allSatisfy { $0 == first["data"][0]["id"] })
      #expect(rankings.load(ordering: .relaxed) <= 3)
      // A labelled prediction is left out at once, whatever the age of the ranking.
      let id = try #require(first["data"][0]["id"].string)
      try await server.label([(id, 1)])
      #expect(try await server.client.get(path).json["data"][0]["id"].string != id)
      // A period leads to older predictions.
      let cursor = try #require(first["next_cursor"].string)
      let next = try await server.client.get(path + "&cursor=\(cursor)").json["data"][0]["id"].string
      #expect(next != id && next != nil)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func pagesEndWithTheRanking() async throws {
    try await TestServer.with { server in
      _ = try await server.predicted(5)
      try await add(10_050, to: server)
      var seen = 0
      var cursor: String?
      repeat {
        let query = cursor.map { "&cursor=\($0)" } ?? ""
        let page = try await server.client.get(
          "/v1/datasets/d/predictions?sort=uncertainty&limit=1000\(query)"
        ).json
        seen += page["data"].elements.count
        cursor = page["next_cursor"].string
      } while cursor != nil && seen <= 11_000
      #expect(seen == 10_000)
    }
  }
}
