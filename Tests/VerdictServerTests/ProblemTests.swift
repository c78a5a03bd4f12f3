import Foundation
import Hummingbird
import Logging
import NIOCore
import PostgreSQL
import RowFormats
import Testing
import VerdictCore
import Yams

@testable import VerdictServer

/// Problem documents match the examples and limits of the contract.
@Suite struct ProblemTests {
  private struct Mistake: Error {}

  /// The members of a problem as the response contains them.
  private func members(_ problem: Problem) throws -> [String: Any] {
    var json = JSONWriter()
    json.object { problem.members(to: &$0) }
    let value = try JSONSerialization.jsonObject(with: Data(json.bytes))
    return try #require(value as? [String: Any])
  }

  /// The contract tests provoke all other examples over HTTP. These need a fault of the server or its database, or extreme load.
  @Test(arguments: [
    ("InternalError", "internal", Mistake() as any Error),
    ("ServiceUnavailable", "database-unavailable", PostgreSQLError(.connectionLost, "gone")),
    (
      "ServiceUnavailable", "database-read-only",
      PostgreSQLError(.server, "cannot execute INSERT", sqlState: .readOnlySQLTransaction)
    ),
    (
      "ServiceUnavailable", "query-timeout",
      ReadTimeout(
        limit: .seconds(5), underlying: PostgreSQLError(.server, "cancelled", sqlState: .queryCanceled))
    ),
    ("ServiceUnavailable", "overloaded", PostgreSQLError(.acquireTimeout, "none became free")),
  ])
  func problemsMatchTheContractsExamples(response: String, name: String, error: any Error) throws {
    let document = try #require(try Yams.compose(yaml: OpenAPIDocument.yaml))
    let content = document["components"]?["responses"]?[response]?["content"]?["application/problem+json"]
    let shown = try #require(content?["examples"]?[name]?["value"])
    let said = try members(Problem(error, logger: Logger(label: "test")))
    for member in ["type", "title", "detail"] {
      #expect(said[member] as? String == shown[member]?.string)
    }
    #expect(said["status"] as? Int == shown["status"]?.int)
    #expect(
      Set(said.keys).union(["instance", "request_id"]) == Set(shown.mapping?.keys.compactMap(\.string) ?? []))
  }

  @Test func longClientTextIsTruncated() throws {
    let long = String(repeating: "é", count: 5_000)
    let said = try members(
      Problem(.invalidBody, locations: [ErrorLocation(pointer: "/" + long, detail: "unknown member")]))
    let place = try #require((said["errors"] as? [[String: Any]])?.first)
    #expect((place["pointer"] as? String)?.unicodeScalars.count == 1_000)
    #expect((place["pointer"] as? String)?.hasSuffix("é…") == true)
    let detail = try members(Problem(.unsupportedMediaType, "not " + long))["detail"] as? String
    #expect(detail?.unicodeScalars.count == Problem.longestDetail)
  }

  @Test func truncatedPointersStayValid() {
    #expect("/a~0b".shortened(to: 5) == "/a~0b")
    #expect("/a~0bc".shortened(to: 5) == "/a~0…")
    #expect("/a~0bc".shortened(to: 4) == "/a…")
  }
}
