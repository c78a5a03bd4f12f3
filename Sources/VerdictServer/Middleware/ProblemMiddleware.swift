import HTTPTypes
import Hummingbird
import Logging
import VerdictCore

/// The outermost middleware: assigns the request id, converts every error to a problem, and measures and logs the response.
struct ProblemMiddleware: RouterMiddleware {
  let routes: API.Routes
  let metrics: RequestMetrics
  let refusals: RefusalMetrics
  /// Paces requests to paths that do not exist, which show no key.
  let pace: UnauthenticatedPace
  /// Determines the client's address.
  let addresses: ClientAddress
  /// The CORS policy, if an origin is configured.
  let corsPolicy: CORSPolicy?
  /// Whether the server terminates TLS itself.
  let isSecure: Bool

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var context = context
    if let own = request.headers.value(.xRequestID).flatMap(RequestIdentifier.accepted) {
      context.requestID = own
    }
    let identifiers = RequestLogMetadata(
      requestID: context.requestID, traceID: request.headers.value(.traceparent).flatMap(TraceContext.traceID)
    )
    return await RequestLogMetadata.$current.withValue(identifiers) {
      await respond(to: request, context: context, identifiers, next: next)
    }
  }

  private func respond(
    to request: Request, context: Context, _ identifiers: RequestLogMetadata,
    next: (Request, Context) async throws -> Response
  ) async -> Response {
    var context = context
    // Creating a logger costs more than answering a prediction. Without debug logging only errors need one.
    let isDebugging = context.logger.logLevel <= .debug
    if isDebugging { context.logger = Logger(context.logger, request: identifiers) }
    let start = ContinuousClock.now
    var response: Response
    do {
      response =
        if let preflight = corsPolicy?.preflight(request) { preflight } else {
          try await Self.next(request, context, next)
        }
    } catch {
      response = await problem(error, of: request, context, identifiers, isDebugging: isDebugging)
    }
    response.headers[.xRequestID] = identifiers.requestID
    corsPolicy?.apply(to: &response.headers, of: request)
    if isSecure { response.headers[.strictTransportSecurity] = Self.oneYear }
    if response.body.contentLength == nil { response.body = Self.identified(response.body, identifiers) }
    let duration = ContinuousClock.now - start
    metrics.record(
      method: request.method, route: context.endpointPath, status: response.status, duration: duration)
    // Requests with a trace id are logged at info, so that the trace can be found in the log; others at debug.
    let level: Logger.Level = identifiers.traceID == nil ? .debug : .info
    if context.logger.logLevel <= level {
      let logger = isDebugging ? context.logger : Logger(context.logger, request: identifiers)
      logger.log(
        level: level, "answered",
        metadata: [
          "method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(response.status.code)",
          "milliseconds": "\(Int(duration / .milliseconds(1)))",
        ])
    }
    return response
  }

  /// The response to a request whose handling ended in an error.
  ///
  /// Not inlined, so that the frames of other requests stay small: a task keeps its frames on a heap of its own, and each connection
  /// has such a heap.
  @inline(never)
  private func problem(
    _ error: any Error, of request: Request, _ context: Context, _ identifiers: RequestLogMetadata,
    isDebugging: Bool
  ) async -> Response {
    if let error = error as? HTTPError, error.status == .notFound {
      await pace.slowDown(addresses.of(request, context))
      let problem = methodNotAllowed(request) ?? Problem(.notFound, "There is nothing at this path.")
      return problem.response(to: request, id: identifiers.requestID)
    }
    let logger = isDebugging ? context.logger : Logger(context.logger, request: identifiers)
    let failed = error as? FailedRequest
    var problem = Problem(failed?.error ?? error, logger: logger)
    if let rate = failed?.rate { problem.headers.append(contentsOf: rate) }
    if problem.kind == .overloaded { metrics.shed() }
    if let reason = problem.reason { refusals.refused(reason, failed?.tenant) }
    // `GET …/models/active` is routed as version "active", which does not exist; the path has other methods.
    if problem.kind == .notFound { problem = methodNotAllowed(request) ?? problem }
    return problem.response(to: request, id: identifiers.requestID)
  }

  /// Passes a request on whose path has the one spelling that routes have; every other spelling finds nothing.
  private static func next(
    _ request: Request, _ context: Context, _ next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    guard RequestTarget.isCanonical(request.head.path ?? "") else { throw HTTPError(.notFound) }
    return try await next(try request.meetingExpectation(on: context.channel), context)
  }

  /// HTTP Strict Transport Security for one year (RFC 6797).
  private static let oneYear = "max-age=31536000"

  /// A body whose writing, after the handler has returned, logs with the request's identifiers.
  private static func identified(_ body: ResponseBody, _ identifiers: RequestLogMetadata) -> ResponseBody {
    ResponseBody { [body] output in
      let output = output
      try await RequestLogMetadata.$current.withValue(identifiers) { try await body.write(output) }
    }
  }

  /// A 405 with the allowed methods, if the path exists without the request's method; `nil` otherwise.
  private func methodNotAllowed(_ request: Request) -> Problem? {
    guard RequestTarget.isCanonical(request.head.path ?? "") else { return nil }
    let allowed = routes.table.methods(of: request.uri.path)
    guard !allowed.isEmpty, !allowed.contains(request.method) else { return nil }
    let list = allowed.map(\.rawValue).joined(separator: ", ")
    return Problem(
      .methodNotAllowed, "This path allows \(list).", headers: [.allow: list])
  }
}
