import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import VerdictCore

/// What operators and browsers ask for, without a key.
struct OperationRoutes {
  let readiness: Readiness
  let metrics: MetricsRegistry

  func add(to api: API) throws {
    let openapiJSON = try OpenAPIDocument.json()
    api.open(.get, "/healthz") { _, _ in .health() }
    // Nobody needs a key to ask: one look a second is for all.
    let isMigrated = Recent { [readiness] in try await readiness.isMigrated() }
    api.open(.get, "/readyz") { _, _ in
      guard try await isMigrated.value() else {
        throw Problem(
          .databaseUnavailable, "The database does not have this server's schema: run verdict migrate.",
          headers: [.retryAfter: "1"])
      }
      return .health()
    }
    api.open(.get, "/metrics") { [metrics] request, _ in
      let query = try QueryParameters(request, known: ["by"])
      guard query["by"] == nil || query["by"] == "tenant" else {
        throw QueryParameters.refusal("by", "must be tenant")
      }
      let text = await metrics.text(.init(byTenant: query["by"] == "tenant"))
      return .bytes(type: "text/plain; version=0.0.4; charset=utf-8", ByteBuffer(string: text))
    }
    api.open(.get, "/openapi.yaml") { request, _ in
      try .conditional(request, type: "application/yaml", Resource.openapiYAML, cache: "no-cache")
    }
    api.open(.get, "/openapi.json") { request, _ in
      try .conditional(request, type: "application/json", openapiJSON, cache: "no-cache")
    }
    DocsRoutes().add(to: api)
  }
}

extension Response {
  fileprivate static func health() -> Response {
    .json { json in
      json.object { json in
        json.name("status")
        json.string("ok")
      }
    }
  }
}
