import HTTPTypes
import Hummingbird
import Logging
import VerdictCore

/// The outermost layer: names the request, turns every error into a problem, and counts and logs the answer.
struct ProblemMiddleware: RouterMiddleware {
  let routes: API.Routes
  let metrics: RequestMetrics

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    var context = context
    if let own = request.headers[.xRequestID].flatMap(RequestIdentifier.accepted) { context.requestID = own }
    // A logger of its own costs more than most answers to predictions; without debug logging only errors need one.
    let logs = context.logger.logLevel <= .debug
    if logs { context.logger = Logger(context.logger, requestID: context.requestID) }
    let start = ContinuousClock.now
    var response: Response
    do {
      response = try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound {
      response = unknown(request).response(to: request, id: context.requestID)
    } catch {
      let logger = logs ? context.logger : Logger(context.logger, requestID: context.requestID)
      response = Problem(error, logger: logger).response(to: request, id: context.requestID)
    }
    response.headers[.xRequestID] = context.requestID
    metrics.record(
      method: request.method, route: context.endpointPath, status: response.status,
      duration: ContinuousClock.now - start)
    context.logger.debug(
      "answered",
      metadata: [
        "method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(response.status.code)",
      ])
    return response
  }

  /// A path that is not routed: 404; a routed path with another method: 405 with the methods that it has.
  private func unknown(_ request: Request) -> Problem {
    let allowed = routes.table.methods(of: request.uri.path)
    guard !allowed.isEmpty else { return Problem(.notFound, "There is nothing at this path.") }
    let list = allowed.map(\.rawValue).joined(separator: ", ")
    return Problem(
      .methodNotAllowed, "This path has \(list).", headers: [.allow: list])
  }
}

extension Logger {
  fileprivate init(_ logger: Logger, requestID: String) {
    self = logger
    self[metadataKey: "hb.request.id"] = nil
    self[metadataKey: "request_id"] = "\(requestID)"
  }
}
