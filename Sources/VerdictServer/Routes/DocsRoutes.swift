import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// `/docs`: the contract in a browser, shown by Swagger UI, which sends requests to this server only. Without Swagger UI in the
/// build, the page refers to the contract's text.
struct DocsRoutes {
  func add(to api: API) {
    api.open(.get, "/docs", cost: 5) { request, _ in
      try .conditional(
        request, headers: Self.headers, type: "text/html; charset=utf-8", Resource.docsPage,
        cache: "no-cache")
    }
    api.open(.get, "/docs/{file}", cost: 5) { request, context in
      let name = context.parameters.get("file") ?? ""
      guard let file = Resource.docsFiles[name] else {
        throw Problem(.notFound, "There is nothing at this path.")
      }
      return try .conditional(
        request, headers: Self.headers, type: Self.type(of: name), file, cache: "no-cache")
    }
  }

  private static func type(of name: String) -> String {
    if name.hasSuffix(".js") { return "text/javascript; charset=utf-8" }
    return name.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/plain; charset=utf-8"
  }

  private static let headers: HTTPFields = [
    .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
    .crossOriginOpenerPolicy: "same-origin", .permissionsPolicy: "camera=(), microphone=(), geolocation=()",
  ]

  /// Scripts are files of this server; Swagger UI sets styles on elements and has its pictures inside.
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
