import HTTPTypes
import Hummingbird
import Logging
import VerdictCore

/// The outermost middleware: assigns the request id, turns errors into problems, and counts and logs responses.
struct ProblemMiddleware: RouterMiddleware {
  let routes: API.Routes
  let metrics: RequestMetrics
  /// The origin whose pages may use the API, if any.
  let crossOrigin: CrossOrigin?
  /// The server speaks TLS itself.
  let isSecure: Bool

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var context = context
    if let own = request.headers.value(.xRequestID).flatMap(RequestIdentifier.accepted) {
      context.requestID = own
    }
    let names = RequestNames(
      requestID: context.requestID, traceID: request.headers.value(.traceparent).flatMap(TraceContext.traceID)
    )
    return await RequestNames.$current.withValue(names) {
      await answer(request, context: context, names, next: next)
    }
  }

  private func answer(
    _ request: Request, context: Context, _ names: RequestNames,
    next: (Request, Context) async throws -> Response
  ) async -> Response {
    var context = context
    // A logger of its own costs more than a prediction; without debug logging only errors need one.
    let logs = context.logger.logLevel <= .debug
    if logs { context.logger = Logger(context.logger, naming: names) }
    let start = ContinuousClock.now
    var response: Response
    do {
      response =
        if let preflight = crossOrigin?.preflight(request) { preflight } else {
          try await next(request, context)
        }
    } catch let error as HTTPError where error.status == .notFound {
      let problem = refusedMethod(request) ?? Problem(.notFound, "There is nothing at this path.")
      response = problem.response(to: request, id: names.requestID)
    } catch {
      let logger = logs ? context.logger : Logger(context.logger, naming: names)
      let limited = error as? RateLimited
      var problem = Problem(limited?.error ?? error, logger: logger)
      if let limited { problem.headers.append(contentsOf: limited.rate) }
      if problem.kind == .overloaded { metrics.shed() }
      // The router matches `GET …/models/active` as the absent version "active", though the path exists for PUT.
      if problem.kind == .notFound { problem = refusedMethod(request) ?? problem }
      response = problem.response(to: request, id: names.requestID)
    }
    response.headers[.xRequestID] = names.requestID
    crossOrigin?.mark(&response.headers, of: request)
    if isSecure { response.headers[.strictTransportSecurity] = Self.year }
    if response.body.contentLength == nil { response.body = Self.named(response.body, names) }
    let duration = ContinuousClock.now - start
    metrics.record(
      method: request.method, route: context.endpointPath, status: response.status, duration: duration)
    // Requests with a trace id are logged, so that the client can find them; others only for debugging.
    let level: Logger.Level = names.traceID == nil ? .debug : .info
    if context.logger.logLevel <= level {
      let logger = logs ? context.logger : Logger(context.logger, naming: names)
      logger.log(
        level: level, "answered",
        metadata: [
          "method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(response.status.code)",
          "milliseconds": "\(Int(duration.inSeconds * 1_000))",
        ])
    }
    return response
  }

  /// Strict-Transport-Security for a year (RFC 6797).
  private static let year = "max-age=31536000"

  /// A streamed body is written after the handler has returned; its log lines carry the request id, too.
  private static func named(_ body: ResponseBody, _ names: RequestNames) -> ResponseBody {
    ResponseBody { [body] output in
      let output = output
      try await RequestNames.$current.withValue(names) { try await body.write(output) }
    }
  }

  /// The problem of a path that exists, but not for this method: 405 with the methods that it has.
  private func refusedMethod(_ request: Request) -> Problem? {
    let allowed = routes.table.methods(of: request.uri.path)
    guard !allowed.isEmpty, !allowed.contains(request.method) else { return nil }
    let list = allowed.map(\.rawValue).joined(separator: ", ")
    return Problem(
      .methodNotAllowed, "This path has \(list).", headers: [.allow: list])
  }
}
