import DomainTestSupport
import HTTPTestSupport
import HTTPTypes
import Testing
import VerdictCore
import VerdictServer

/// Authorization on every route of the server, so that new routes are covered automatically.
@Suite struct RoleTests {
  private static let includes: [Role: Set<Role>] = [
    .admin: [.admin, .write, .read, .predict], .write: [.write, .read, .predict], .read: [.read],
    .predict: [.predict],
  ]

  private static func mayCall(_ access: RouteAccess, as role: Role) -> Bool {
    guard case .role(let needed) = access else { return true }
    return includes[role]?.contains(needed) == true
  }

  @Test(.timeLimit(.minutes(10)))
  func everyRouteRequiresItsRole() async throws {
    try await TestServer.with(worker: false) { server in
      let routes = try Self.routes(server)
      #expect(routes.count > 25)
      for role in [Role.admin, .write, .read, .predict] {
        let client = try await server.client(role: role)
        for route in routes {
          if route.access == .open { continue }
          let path = Self.path(route, dataset: "nothing")
          let answer = try await client.send(route.method.rawValue, path)
          if Self.mayCall(route.access, as: role) {
            #expect(
              answer.status != 401 && answer.status != 403, "\(role) \(route.method) \(path): \(answer)")
          } else {
            #expect(answer.status == 403, "\(role) \(route.method) \(path): \(answer)")
            #expect(answer.problem == "forbidden")
          }
          #expect(answer.status < 500, "\(role) \(route.method) \(path): \(answer)")
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func everyRouteExceptOpenOnesRequiresAKey() async throws {
    try await TestServer.with(worker: false) { server in
      let unknown = "vd_1_" + String(repeating: "0", count: 64)
      for key in [nil, "", "vd_x", unknown, "\u{FFFD}"] {
        let client = server.client.with(key: key)
        for route in try Self.routes(server) {
          let path = Self.path(route, dataset: "nothing")
          let answer = try await client.send(route.method.rawValue, path)
          if path.hasPrefix("/docs/") {
            // Absent in builds without Swagger UI.
            #expect(answer.status == 200 || answer.status == 404, "\(path): \(answer)")
          } else if route.access == .open {
            #expect(answer.status == 200, "\(path): \(answer)")
          } else {
            #expect(answer.status == 401, "\(path): \(answer)")
            #expect(answer.isProblem)
            #expect(answer.headers["www-authenticate"] != nil)
          }
        }
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func eachRoleMayUseItsOwnRoutes() async throws {
    try await TestServer.with { server in
      try await server.client.makeDataset()
      try await server.client.addLabels(SmallData.rows(60))
      try await server.client.train()
      let row = SmallData.rows(1)[0]
      let prediction: JSON = ["features": row.features]
      for role in [Role.admin, .write, .read, .predict] {
        let client = try await server.client(role: role)
        let mine = try #require(Self.includes[role])
        let statuses = [
          try await client.get("/v1/datasets/d/labels").status,
          try await client.post("/v1/datasets/d/labels", SmallData.batch([row])).status,
          try await client.post("/v1/datasets/d/predictions", prediction).status,
          try await client.get("/v1/keys").status,
        ]
        #expect(
          statuses == [
            mine.contains(.read) ? 200 : 403, mine.contains(.write) ? 201 : 403,
            mine.contains(.predict) ? 201 : 403, mine.contains(.admin) ? 200 : 403,
          ], "\(role)")
      }
      #expect(try await server.client.labelsStored() == 62)
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func anotherTenantsDatasetsAppearAbsent() async throws {
    try await TestServer.with { server in
      try await server.client.makeDataset("mine")
      try await server.client.addLabels(SmallData.rows(60), "mine")
      let job = try await server.client.train("mine")
      let prediction = try await server.client.post(
        "/v1/datasets/mine/predictions", ["features": SmallData.rows(1)[0].features])
      let label = try await server.client.get("/v1/datasets/mine/labels?limit=1").json["data"][0]["id"].int
      let id = try #require(prediction.json["id"].string)
      let before = try await server.stored()
      let stranger = try await server.clientOfAnotherTenant()
      let afterwards = try await server.stored()

      for route in try Self.routes(server) where route.path.contains("{dataset}") {
        let numbers = route.path.contains("training-jobs") ? job["id"].int : label
        let item = route.path.contains("predictions") ? id : "\(numbers ?? 1)"
        var answers: [Answer] = []
        for dataset in ["mine", "nothing"] {
          let path = Self.path(route, dataset: dataset, id: item)
          answers.append(try await Self.sensible(route, path, stranger))
        }
        #expect(answers[0].status == 404, "\(route.method) \(route.path): \(answers[0])")
        #expect(answers[0].problem == "not-found")
        // The responses differ only in the name.
        #expect(answers[0].status == answers[1].status)
        #expect(
          answers[0].json["detail"].string?.replacing("mine", with: "nothing")
            == answers[1].json["detail"].string, "\(route.method) \(route.path)")
      }
      #expect(try await server.stored() == afterwards)
      #expect(afterwards.filter { !$0.contains("api_keys") } == before.filter { !$0.contains("api_keys") })
      #expect(try await stranger.get("/v1/datasets").json["data"] == [])
      let keys = try await stranger.get("/v1/keys").json["data"]
      #expect(keys.elements.count == 1)
    }
  }

  /// A request that would succeed if the dataset existed.
  private static func sensible(
    _ route: RouteTable.Entry, _ path: String, _ client: HTTPClient
  ) async throws -> Answer {
    let row = SmallData.rows(1)[0]
    let body: JSON? =
      switch (route.method, route.path.split(separator: "/").last) {
      case (.post, "labels"): SmallData.batch([row])
      case (.post, "predictions"): ["features": row.features]
      case (.post, "batch"): ["predictions": [["features": row.features]]]
      case (.post, "erasures"): ["reference": "case-1"]
      case (.put, "label"): ["label": 1]
      case (.put, "active"): ["version": 1]
      case (.patch, "{dataset}"): ["gate": .null]
      case (.patch, _): ["label": 1]
      default: nil
      }
    let query =
      switch (route.method, route.path.split(separator: "/").last) {
      case (.delete, "labels"), (.delete, "predictions"): "?all=true"
      case (.get, "compare"): "?champion=1&challenger=2"
      case (.get, "export"): "?format=json"
      default: ""
      }
    let streams = ["batch.ndjson": "application/x-ndjson", "batch.csv": "text/csv"]
    if let type = route.path.split(separator: "/").last.flatMap({ streams[String($0)] }) {
      return try await client.send(route.method.rawValue, path, text: "", as: type)
    }
    guard let body else { return try await client.send(route.method.rawValue, path + query) }
    return try await client.send(route.method.rawValue, path, text: body.text)
  }

  private static func routes(_ server: TestServer) throws -> [RouteTable.Entry] {
    try WebServer.routes(
      database: server.domain.database, queue: server.domain.queue, logger: server.domain.logger
    ).entries
  }

  private static func path(_ route: RouteTable.Entry, dataset: String, id: String = "1") -> String {
    route.path.replacing("{dataset}", with: dataset).replacing("{id}", with: id)
      .replacing("{version}", with: "1").replacing("{file}", with: "start.js")
  }
}
