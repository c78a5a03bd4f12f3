import HTTPTypes
import Hummingbird
import Synchronization
import VerdictCore

/// Where routes are added: each states the role that it needs, and is in the table that openapi.yaml is checked with.
struct API {
  /// What answers requests.
  let router: Router<Context>
  /// What has been added so far.
  let routes: Routes
  /// Looks up who sends requests.
  let authenticator: Authenticator
  private let addresses: ClientAddress

  /// The routes of a router, readable by its own middleware.
  final class Routes: Sendable {
    private let entries = Mutex(RouteTable())

    /// All routes.
    var table: RouteTable { entries.withLock { $0 } }

    fileprivate func add(_ method: HTTPRequest.Method, _ path: String, role: Role?) {
      entries.withLock { $0.add(method, path, role: role) }
    }
  }

  init(authenticator: Authenticator, requests: RequestMetrics, door: NetworkLimits) {
    self.authenticator = authenticator
    addresses = door.addresses
    routes = Routes()
    router = Router(context: Context.self, options: .autoGenerateHeadEndpoints)
    router.add(
      middleware: ProblemMiddleware(
        routes: routes, metrics: requests, crossOrigin: door.crossOrigin, isSecure: door.tls != nil))
  }

  /// A route of a tenant's: its handler gets the principal, whose key includes `role`.
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

  /// A route that needs no key.
  func open(
    _ method: HTTPRequest.Method, _ path: String,
    _ handler: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    routes.add(method, path, role: nil)
    router.on(RouterPath(path), method: method, use: handler)
  }
}

/// What went wrong with a request of a tenant that has a rate of its own, and what is left of that.
struct RateLimited: Error {
  var error: any Error
  var rate: HTTPFields
}
