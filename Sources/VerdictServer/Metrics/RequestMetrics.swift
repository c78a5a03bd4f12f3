import CoreMetrics
import HTTPTypes
import Synchronization

/// Measures the number and duration of requests by method, route and status.
final class RequestMetrics: Sendable {
  private struct Series: Hashable {
    var method: String
    var route: String
    var status: Int
  }

  private let registry: MetricsRegistry
  private let timers = Mutex<[Series: Timer]>([:])
  private let overloads: Counter

  init(registry: MetricsRegistry) {
    self.registry = registry
    overloads = Counter(label: "verdict_requests_shed_total", dimensions: [], factory: registry)
  }

  /// Counts a request that was shed under overload.
  func shed() { overloads.increment() }

  /// Records an answered request. The route is the pattern, not the path, which bounds the number of series.
  func record(method: HTTPRequest.Method, route: String?, status: HTTPResponse.Status, duration: Duration) {
    registry.requests.add(1, ordering: .relaxed)
    let known: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete]
    let series = Series(
      method: known.contains(method) ? method.rawValue : "other", route: route ?? "none", status: status.code)
    let timer = timers.withLock { timers in
      if let timer = timers[series] { return timer }
      let timer = Timer(
        label: "verdict_http_request_seconds",
        dimensions: [("method", series.method), ("route", series.route), ("status", "\(series.status)")],
        factory: registry)
      timers[series] = timer
      return timer
    }
    timer.recordNanoseconds(Int64(duration / .nanoseconds(1)))
  }
}
