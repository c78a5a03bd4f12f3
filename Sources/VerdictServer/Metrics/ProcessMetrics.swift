package import JobQueue
import CoreMetrics
import PostgreSQL
import Synchronization
import VerdictCore

/// What a process measures of itself, whichever of its parts does: shown by its ``WebServer`` or ``MetricsServer``.
package struct ProcessMetrics: Sendable {
  let registry = MetricsRegistry()

  /// Nothing measured yet; which build it is can be seen.
  package init() {
    let build = MetricsRegistry.Reading(
      kind: .gauge, name: "verdict_build_info",
      labels: [("version", BuildVersion.text), ("schema", Migrations.all.last?.name ?? "")], value: 1)
    registry.show { _ in [build] }
  }

  /// How many requests the process has answered.
  package var requests: Int { registry.requests.load(ordering: .relaxed) }

  /// Counts an attempt at a job by a worker of this process: how it ended, and how long it took.
  package func observe(_ outcome: AttemptOutcome, duration: Duration) {
    let (seconds, attoseconds) = duration.components
    Timer(label: "verdict_job_seconds", dimensions: [("outcome", outcome.rawValue)], factory: registry)
      .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}

extension MetricsRegistry {
  /// Shows the state of a pool at every scrape.
  func show(_ pool: ConnectionPool) {
    show { _ in
      let pool = pool.statistics()
      return [
        ("open", pool.open), ("idle", pool.idle), ("in_use", pool.inUse), ("waiting", pool.waiting),
      ].map { state, count in
        Reading(
          kind: .gauge, name: "verdict_pool_connections", labels: [("state", state)], value: Double(count))
      } + [
        Reading(kind: .counter, name: "verdict_pool_waits_total", value: Double(pool.waits)),
        Reading(kind: .counter, name: "verdict_pool_wait_seconds_total", value: pool.waited / .seconds(1)),
        Reading(kind: .counter, name: "verdict_pool_timeouts_total", value: Double(pool.timeouts)),
      ]
    }
    guard let breaker = pool.connectionConfiguration.commitBreaker else { return }
    show { _ in
      [
        Reading(kind: .counter, name: "verdict_commits_unconfirmed_total", value: Double(breaker.stalls)),
        Reading(kind: .gauge, name: "verdict_writes_suspended", value: breaker.isOpen ? 1 : 0),
      ]
    }
  }
}
