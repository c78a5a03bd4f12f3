import HTTPTypes
import Hummingbird
import NIOCore
import PostgreSQL
import RowFormats
import VerdictCore

/// The routes without authentication: health, readiness, metrics and the contract.
struct OperationRoutes {
  let readiness: Readiness
  let metrics: MetricsRegistry

  func add(to api: API) throws {
    let openapiJSON = try OpenAPIDocument.json()
    api.open(.get, "/healthz", isProbe: true) { _, _ in .health() }
    // The route needs no key, so one query a second serves all callers.
    let report = SingleFlightCache { [readiness] in try await readiness.report() }
    api.open(.get, "/readyz", isProbe: true) { _, _ in .ready(try Self.admitted(try await report.value())) }
    api.open(.get, "/metrics", cost: 10) { [metrics] request, _ in
      let query = try QueryParameters(request, known: ["by"])
      guard query["by"] == nil || query["by"] == "tenant" else {
        throw QueryParameters.refusal("by", "must be tenant")
      }
      let text = await metrics.text(.init(byTenant: query["by"] == "tenant"))
      return .bytes(type: "text/plain; version=0.0.4; charset=utf-8", ByteBuffer(string: text))
    }
    api.open(.get, "/openapi.yaml", cost: 5) { request, _ in
      try .conditional(request, type: "application/yaml", Resource.openapiYAML, cache: "no-cache")
    }
    api.open(.get, "/openapi.json", cost: 5) { request, _ in
      try .conditional(request, type: "application/json", openapiJSON, cache: "no-cache")
    }
    DocsRoutes().add(to: api)
  }

  /// Returns the report if this server works with the database.
  ///
  /// - Throws: ``Problem`` of kind `database-unavailable`.
  private static func admitted(_ report: Readiness.Report) throws -> Readiness.Report {
    if !report.schema.pending.isEmpty {
      throw Problem(
        .databaseUnavailable, "The database does not have this server's schema: run verdict migrate.",
        headers: [.retryAfter: "1"])
    }
    if let newer = report.schema.incompatible {
      throw Problem(
        .databaseUnavailable,
        "The database has migration \(newer) of a newer version, with which this server is incompatible.",
        headers: [.retryAfter: "5"])
    }
    return report
  }
}

extension Response {
  fileprivate static func ready(_ report: Readiness.Report) -> Response {
    .json { json in
      json.object { json in
        json.name("status")
        json.string("ok")
        json.name("version")
        json.string(BuildVersion.text)
        json.name("schema")
        json.string(report.schema.product.newest ?? "")
        json.name("database_schema")
        json.string(report.schema.product.applied.last?.name ?? "")
        json.name("read_only")
        json.bool(report.isReadOnly)
      }
    }
  }

  fileprivate static func health() -> Response {
    .json { json in
      json.object { json in
        json.name("status")
        json.string("ok")
      }
    }
  }
}
