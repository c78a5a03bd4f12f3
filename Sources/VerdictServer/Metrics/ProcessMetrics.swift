package import JobQueue
import CoreMetrics
import PostgreSQL
import Synchronization
import VerdictCore

/// The metrics of all parts of a process, served by its ``WebServer`` or ``MetricsServer``.
package struct ProcessMetrics: Sendable {
  /// The registry behind `/metrics`.
  let registry = MetricsRegistry()

  /// Creates metrics that contain only `verdict_build_info`.
  package init() {
    let build = MetricsRegistry.Sample(
      kind: .gauge, name: "verdict_build_info",
      labels: [("version", BuildVersion.text), ("schema", Migrations.all.last?.name ?? "")], value: 1)
    registry.addSource { _ in [build] }
  }

  /// The number of requests that the process has answered.
  package var requests: Int { registry.requests.load(ordering: .relaxed) }

  /// Records the outcome and the duration of a job attempt in this process.
  package func observe(_ outcome: AttemptOutcome, duration: Duration) {
    Timer(label: "verdict_job_seconds", dimensions: [("outcome", outcome.rawValue)], factory: registry)
      .recordNanoseconds(Int64(duration / .nanoseconds(1)))
  }
}

extension MetricsRegistry {
  /// Adds the state of a connection pool, and of its commit breaker, to every scrape.
  func addSource(_ pool: ConnectionPool) {
    addSource { _ in
      let pool = pool.statistics()
      return [
        ("open", pool.open), ("idle", pool.idle), ("in_use", pool.inUse), ("waiting", pool.waiting),
      ].map { state, count in
        Sample(
          kind: .gauge, name: "verdict_pool_connections", labels: [("state", state)], value: Double(count))
      } + [
        Sample(kind: .counter, name: "verdict_pool_waits_total", value: Double(pool.waits)),
        Sample(kind: .counter, name: "verdict_pool_wait_seconds_total", value: pool.waited / .seconds(1)),
        Sample(kind: .counter, name: "verdict_pool_timeouts_total", value: Double(pool.timeouts)),
      ]
    }
    guard let breaker = pool.connectionConfiguration.commitBreaker else { return }
    addSource { _ in
      [
        Sample(kind: .counter, name: "verdict_commits_unconfirmed_total", value: Double(breaker.stalls)),
        Sample(kind: .gauge, name: "verdict_writes_suspended", value: breaker.isOpen ? 1 : 0),
      ]
    }
  }
}
