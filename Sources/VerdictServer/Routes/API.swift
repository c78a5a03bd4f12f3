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
  /// Paces requests without a valid key.
  private let pace: UnauthenticatedPace

  /// The routes, shared with the middleware of the router.
  final class Routes: Sendable {
    private let entries = Mutex(RouteTable())

    /// All routes.
    var table: RouteTable { entries.withLock { $0 } }

    fileprivate func add(_ method: HTTPRequest.Method, _ path: String, _ access: RouteAccess) {
      entries.withLock { $0.add(method, path, access) }
    }
  }

  init(
    authenticator: Authenticator, requests: RequestMetrics, refusals: RefusalMetrics,
    networkLimits: NetworkLimits
  ) {
    self.authenticator = authenticator
    addresses = networkLimits.addresses
    pace = UnauthenticatedPace(rate: networkLimits.unauthenticatedRate)
    routes = Routes()
    router = Router(context: Context.self)
    router.add(
      middleware: ProblemMiddleware(
        routes: routes, metrics: requests, refusals: refusals, pace: pace, addresses: addresses,
        corsPolicy: networkLimits.corsPolicy,
        isSecure: networkLimits.tls != nil))
  }

  /// Registers a route of tenants, whose handler gets a principal whose role includes `role`, or any principal if that is `nil`.
  ///
  /// - Parameter isBulk: whether a request can be about many rows. Its handler then runs on the threads of ``BulkExecutor``.
  func on(
    _ method: HTTPRequest.Method, _ path: String, role: Role?, isBulk: Bool = false,
    _ handler: @escaping @Sendable (Request, Context, Principal) async throws -> Response
  ) {
    routes.add(method, path, role.map(RouteAccess.role) ?? .anyKey)
    let handle: @Sendable (Request, Context, Principal) async throws -> Response =
      if isBulk {
        { request, context, principal in
          try await BulkExecutor.process.respond { try await handler(request, context, principal) }
        }
      } else { handler }
    route(method, path) { [authenticator, addresses, pace] request, context in
      var context = context
      context.authenticator = authenticator
      let caller: Authenticator.Caller
      do {
        caller = try await authenticator.caller(of: request, from: addresses.of(request, context))
      } catch let problem as Problem {
        await pace.slowDown(addresses.of(request, context))
        throw problem
      }
      let principal = caller.principal
      var rate: HTTPFields?
      do {
        rate = try caller.takeRequest()
        if let role, !principal.role.includes(role) {
          throw Problem(
            .forbidden,
            "This path needs a key with the role \(role.rawValue); this one has \(principal.role.rawValue).")
        }
        var response = try await BodyLimits.$tenant.withValue(of: principal.limits) { [context] in
          try await handle(request, context, principal)
        }
        // A replay changes nothing, either.
        if request.method == .get || response.headers[.idempotencyReplayed] != nil {
          response = try response.counted(for: principal.tenant)
        }
        if let rate { response.headers.append(contentsOf: rate) }
        return response
      } catch {
        throw FailedRequest(error: error, tenant: principal.tenant, rate: rate)
      }
    }
  }

  /// Registers a route without authentication, whose requests are paced by the client's address.
  ///
  /// - Parameters:
  ///   - cost: how many requests to a cheap route one to this route counts for.
  ///   - isProbe: whether a supervisor decides by the status. A request beyond the rate is then answered late instead of refused.
  func open(
    _ method: HTTPRequest.Method, _ path: String, cost: Int = 1, isProbe: Bool = false,
    _ handler: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    routes.add(method, path, .open)
    route(method, path) { [addresses, pace] request, context in
      switch await pace.admit(addresses.of(request, context), cost: cost) {
      case .admitted: break
      case .held where isProbe: break
      case .held, .refused: throw UnauthenticatedPace.refusal
      }
      return try await handler(request, context)
    }
  }

  /// Registers a handler, for GET also as the handler of HEAD.
  private func route(
    _ method: HTTPRequest.Method, _ path: String,
    _ handler: @escaping @Sendable (Request, Context) async throws -> Response
  ) {
    router.on(RouterPath(path), method: method, use: handler)
    guard method == .get else { return }
    router.on(RouterPath(path), method: .head) { try await handler($0, $1).withoutContent() }
  }
}

/// An error of a request with a valid key.
struct FailedRequest: Error {
  /// The error.
  var error: any Error
  /// The tenant of the key.
  var tenant: TenantID
  /// The rate-limit fields of the response, if the tenant has a limit of its own.
  var rate: HTTPFields?
}
