import DomainTestSupport
import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport

@testable import VerdictCore

extension TestServer {
  /// Gives predictions, and the labels made of them, a reference and a group.
  func refer(_ ids: [String], to reference: String?, group: String? = nil) async throws {
    // One row at a time, so that this never waits for a lock while it holds another.
    try await domain.asOwner { connection in
      for id in ids.compactMap(UUID.init(uuidString:)) {
        for (table, column) in [("predictions", "id"), ("labels", "prediction_id")] {
          _ = try await connection.query(
            """
            UPDATE \(identifier: table) SET reference = \(reference), group_name = \(group)
            WHERE \(identifier: column) = \(id)
            """)
        }
      }
    }
  }

  /// Gives the labels with these keys a reference and a group.
  func refer(keys: [String], to reference: String?, group: String? = nil) async throws {
    try await domain.asOwner { connection in
      for key in keys {
        _ = try await connection.query(
          "UPDATE labels SET reference = \(reference), group_name = \(group) WHERE key = \(key)")
      }
    }
  }

  /// Requests an erasure and returns the path of its status.
  func requestErasure(_ body: JSON, _ name: String = "d") async throws -> String {
    let answer = try HTTPClient.expect(202, await client.post("/v1/datasets/\(name)/erasures", body))
    return answer.headers["location"] ?? ""
  }

  /// The erasure when it has ended.
  func ended(_ place: String) async throws -> JSON {
    try await eventually {
      let status = try await client.get(place).json
      if ["succeeded", "failed"].contains(status["state"].string) { return status }
      // As the maintenance does every few seconds.
      if status["training_job"] != .null { domain.database.erasures.start(tenant, in: domain.database) }
      return nil
    }
  }

  /// Erases and returns the ended erasure.
  @discardableResult
  func erase(_ body: JSON, _ name: String = "d") async throws -> JSON {
    try await ended(try await requestErasure(body, name))
  }

  /// Posts rows with keys.
  func addLabels(_ rows: [SmallData.Row], keys: [String], category: String? = nil) async throws {
    let lines = zip(rows, keys).map { row, key in "\(row.x),\(category ?? row.c),\(row.label),\(key)\n" }
    _ = try HTTPClient.expect(
      201,
      await client.send(
        "POST", "/v1/datasets/d/labels", text: "x,c,label,key\n" + lines.joined(), as: "text/csv"))
  }

  /// The counts that are kept beside the rows, and the rows counted: labels by outcome, predictions, and labelled predictions.
  func counts() async throws -> (kept: [Int], counted: [Int]) {
    try await domain.asOwner { connection in
      func numbers(_ query: Query) async throws -> [Int] {
        let row = try await connection.query(query).first
        guard let (a, b, c, d) = try row?.decode(Int.self, Int.self, Int.self, Int.self) else { return [] }
        return [a, b, c, d]
      }
      return (
        try await numbers(
          """
          SELECT (SELECT coalesce(sum(positives), 0)::bigint FROM label_counts),
                 (SELECT coalesce(sum(negatives), 0)::bigint FROM label_counts),
                 (SELECT coalesce(sum(stored), 0)::bigint FROM prediction_counts),
                 (SELECT coalesce(sum(true_positives + false_positives + true_negatives + false_negatives), 0)::bigint
                  FROM live_counts)
          """),
        try await numbers(
          """
          SELECT (SELECT count(*) FROM labels WHERE label), (SELECT count(*) FROM labels WHERE NOT label),
                 (SELECT count(*) FROM predictions), (SELECT count(*) FROM labels WHERE prediction_id IS NOT NULL)
          """)
      )
    }
  }

  /// The tables with a row that contains a text, in whatever column: as text, in JSON, in an array, or as bytes.
  func tables(with text: String) async throws -> [String] {
    let hex = text.utf8.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    return try await domain.asOwner { connection in
      let tables = try await connection.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1"
      ).map { try $0.decode(String.self) }
      var found: [String] = []
      for table in tables {
        let isFound = try await connection.query(
          """
          SELECT EXISTS (SELECT FROM \(identifier: table) t
                         WHERE position(\(text) IN t::text) > 0 OR position(\(hex) IN t::text) > 0)
          """
        ).first?.decode(Bool.self)
        if isFound == true { found.append(table) }
      }
      return found
    }
  }
}
