import HTTPTypes
import Hummingbird
import NIOCore
import VerdictCore

/// `/docs`: the contract in a browser, by Swagger UI if it was compiled in, otherwise by a plain page. Both connect to this
/// server only.
struct DocsRoutes {
  func add(to api: API) {
    api.open(.get, "/docs") { request, _ in
      let page = Resource.swaggerUI[""]
      return try .conditional(
        request, headers: Self.headers(page == nil ? Self.plainPolicy : Self.policy),
        type: "text/html; charset=utf-8", page ?? Resource.docsPage, cache: "no-cache")
    }
    api.open(.get, "/docs/{file}") { request, context in
      let name = context.parameters.get("file") ?? ""
      guard !name.isEmpty, let file = Resource.swaggerUI[name] else {
        throw Problem(.notFound, "There is nothing at this path.")
      }
      return try .conditional(
        request, headers: Self.headers(Self.policy), type: Self.type(of: name), file, cache: "no-cache")
    }
  }

  private static func type(of name: String) -> String {
    if name.hasSuffix(".js") { return "text/javascript; charset=utf-8" }
    return name.hasSuffix(".css") ? "text/css; charset=utf-8" : "text/plain; charset=utf-8"
  }

  private static func headers(_ policy: String) -> HTTPFields {
    [
      .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff", .referrerPolicy: "no-referrer",
      .crossOriginOpenerPolicy: "same-origin", .permissionsPolicy: "camera=(), microphone=(), geolocation=()",
    ]
  }

  /// Scripts are files of this server; Swagger UI has inline styles and images.
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
    + "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  /// The plain page has inline scripts and styles.
  private static let plainPolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}
