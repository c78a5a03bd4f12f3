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
    api.open(.get, "/readyz") { _, _ in
      guard try await readiness.isMigrated() else {
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
    api.open(.get, "/openapi.yaml") { _, _ in .bytes(type: "application/yaml", Resource.openapiYAML) }
    api.open(.get, "/openapi.json") { _, _ in .bytes(type: "application/json", openapiJSON) }
    api.open(.get, "/docs") { _, _ in
      .bytes(headers: Self.pageHeaders, type: "text/html; charset=utf-8", Resource.docsPage)
    }
  }

  /// The page has its scripts and styles inside and talks to this server alone.
  private static let pageHeaders: HTTPFields = [
    .contentSecurityPolicy:
      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
      + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    .xContentTypeOptions: "nosniff",
    .referrerPolicy: "no-referrer",
    .crossOriginOpenerPolicy: "same-origin",
    .permissionsPolicy: "camera=(), microphone=(), geolocation=()",
  ]
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
