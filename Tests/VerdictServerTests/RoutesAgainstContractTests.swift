import Foundation
import HTTPTypes
import JobQueue
import Logging
import NIOCore
import PostgreSQL
import Testing
import VerdictCore
import Yams

@testable import VerdictServer

/// The router and openapi.yaml define the same operations.
@Suite struct RoutesAgainstContractTests {
  /// An operation of the router or the document, comparable and readable in a failure message.
  struct Operation: Hashable, CustomStringConvertible {
    var method: String
    var path: String
    var role: String?
    var description: String { "\(method) \(path) (\(role ?? "no key"))" }
  }

  private let document: Node

  init() throws {
    document = try #require(try Yams.compose(yaml: OpenAPIDocument.yaml))
  }

  private var documented: Set<Operation> {
    var operations: Set<Operation> = []
    for (path, item) in document["paths"]?.mapping ?? [:] {
      for (method, operation) in item.mapping ?? [:] {
        guard let method = method.string, ["get", "put", "post", "patch", "delete"].contains(method) else {
          continue
        }
        let isOpen = operation["security"]?.sequence?.isEmpty == true
        operations.insert(
          Operation(method: method, path: path.string ?? "", role: isOpen ? nil : operation["x-role"]?.string)
        )
      }
    }
    return operations
  }

  /// The value of `x-role` for an access; `nil` without a key.
  private static func name(of access: RouteAccess) -> String? {
    switch access {
    case .open: nil
    case .anyKey: "any"
    case .role(let role): role.rawValue
    }
  }

  private var routed: Set<Operation> {
    get throws {
      // The pool connects on demand, and building the routes needs no connection.
      let pool = ConnectionPool(.init(connection: try ConnectionConfiguration(uri: "postgres:///nowhere")))
      let logger = Logger(label: "test")
      let table = try WebServer.routes(
        database: Database(pool: pool), queue: JobQueue(pool: pool, kind: TrainingJobs.kind, logger: logger),
        logger: logger)
      return Set(
        table.entries.map {
          Operation(method: $0.method.rawValue.lowercased(), path: $0.path, role: Self.name(of: $0.access))
        })
    }
  }

  @Test func everyRouteIsDocumented() throws {
    #expect(try routed.subtracting(documented).isEmpty)
  }

  @Test func everyDocumentedOperationIsRouted() throws {
    #expect(documented.count > 30)
    #expect(documented.subtracting(try routed).isEmpty)
  }

  @Test func everyKindOfProblemIsDocumented() throws {
    let kinds = document["components"]?["schemas"]?["Problem"]?["properties"]?["type"]?["enum"]?.array()
      .compactMap(\.string)
    #expect(Set(try #require(kinds)) == Set(ProblemKind.allCases.map(\.type)))
  }

  @Test func jsonAndYAMLAreTheSameDocument() throws {
    let json = try JSONSerialization.jsonObject(with: Data(OpenAPIDocument.json().readableBytesView))
    let yaml = try #require(try Yams.load(yaml: OpenAPIDocument.yaml) as? [String: Any])
    let root = try #require(json as? [String: Any])
    #expect(root.keys.sorted() == yaml.keys.sorted())
    let paths = try #require(root["paths"] as? [String: Any])
    #expect(paths.count == (yaml["paths"] as? [String: Any])?.count)
    let info = try #require(root["info"] as? [String: Any])
    #expect(info["version"] as? String == "1.0.0")
  }
}
