import HTTPTypes
import Hummingbird
import Synchronization
import VerdictCore

/// Registers routes with the role that each needs, in the router and in the table that is compared with openapi.yaml.
struct API {
  /// The router.
  let router: Router<Context>
  /// The registered routes.
  let routes: Routes
  /// Authenticates requests.
  let authenticator: Authenticator
  private let addresses: ClientAddress

  /// The routes, shared with the middleware of the router.
  final class Routes: Sendable {
    private let entries = Mutex(RouteTable())

    /// All routes.
    var table: RouteTable { entries.withLock { $0 } }

    fileprivate func add(_ method: HTTPRequest.Method, _ path: String, role: Role?) {
      entries.withLock { $0.add(method, path, role: role) }
    }
  }

  init(authenticator: Authenticator, requests: RequestMetrics, networkLimits: NetworkLimits) {
    self.authenticator = authenticator
    addresses = networkLimits.addresses
    routes = Routes()
    router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
    router.add(
      middleware: ProblemMiddleware(
        routes: routes, metrics: requests, corsPolicy: networkLimits.corsPolicy,
        isSecure: networkLimits.tls != nil))
  }

  /// Registers a route of tenants, whose handler gets a principal with `role`.
  func on(
    _ method: HTTPRequest.Method, _ path: String, role: Role,
    _ handler: @escaping @Sendable (Request, Context, Principal) async throws -> Response
  ) {
    routes.add(method, path, role: role)
    router.on(RouterPath(path), method: method) { [authenticator, addresses] request, context in
      var context = context
      context.authenticator = authenticator
      let caller = try await authenticator.caller(of: request, from: addresses.of(request, context))
      let principal = caller.principal
      let rate = try caller.takeRequest()
      do {
        guard principal.role.includes(role) else {
          throw Problem(
            .forbidden,
            "This path needs a key with the role \(role.rawValue); this one has \(principal.role.rawValue).")
        }
        var response = try await BodyLimits.$tenant.withValue(of: principal.limits) { [context] in
          try await handler(request, context, principal)
        }
        if let rate { response.headers.append(contentsOf: rate) }
        return response
      } catch {
        guard let rate else { throw error }
        throw RateLimited(error: error, rate: rate)
      }
    }
  }

  /// Registers a route without authentication.
  func open(
    _ method: HTTPRequest.Method, _ path: String,
    _ handler: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    routes.add(method, path, role: nil)
    router.on(RouterPath(path), method: method, use: handler)
  }
}

/// An error together with the rate-limit fields of its response.
struct RateLimited: Error {
  var error: any Error
  var rate: HTTPFields
}
