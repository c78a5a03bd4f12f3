import Synchronization
import VerdictCore

/// Counts refused and shed requests by reason and, for scrapes that ask for it, by tenant.
final class RefusalMetrics: Sendable {
  /// The counts by reason, in the order of the cases.
  private typealias Counts = [Int]

  private struct State {
    var all = Counts(repeating: 0, count: ShedReason.allCases.count)
    var byTenant: [TenantID: Counts] = [:]
    /// The counts of tenants beyond ``capacity``.
    var ofOthers = Counts(repeating: 0, count: ShedReason.allCases.count)
  }

  /// The number of tenants with counts of their own, which bounds memory and series.
  private let capacity: Int
  private let state = Mutex(State())
  private static let positions = Dictionary(
    uniqueKeysWithValues: ShedReason.allCases.enumerated().map { ($0.element, $0.offset) })

  /// Counts into `registry`.
  init(registry: MetricsRegistry, capacity: Int = 10_000) {
    self.capacity = capacity
    registry.addSource { [weak self] scrape in self?.samples(scrape) ?? [] }
  }

  /// Counts a request.
  ///
  /// - Parameters:
  ///   - reason: why it was refused.
  ///   - tenant: its tenant; `nil` if the key was not known yet.
  func refused(_ reason: ShedReason, _ tenant: TenantID?) {
    guard let position = Self.positions[reason] else { return }
    state.withLock { state in
      state.all[position] += 1
      guard let tenant else { return }
      if state.byTenant[tenant] != nil || state.byTenant.count < capacity {
        state.byTenant[tenant, default: Counts(repeating: 0, count: state.all.count)][position] += 1
      } else {
        state.ofOthers[position] += 1
      }
    }
  }

  private func samples(_ scrape: MetricsRegistry.Scrape) -> [MetricsRegistry.Sample] {
    let state = state.withLock { $0 }
    var samples = zip(ShedReason.allCases, state.all).map { reason, count in
      MetricsRegistry.Sample(
        kind: .counter, name: "verdict_requests_refused_total", labels: [("reason", reason.rawValue)],
        value: Double(count))
    }
    guard scrape.byTenant else { return samples }
    for (tenant, counts) in state.byTenant { samples += Self.samples("\(tenant)", counts) }
    return samples + Self.samples("other", state.ofOthers)
  }

  private static func samples(_ tenant: String, _ counts: Counts) -> [MetricsRegistry.Sample] {
    zip(ShedReason.allCases, counts).filter { $1 > 0 }.map { reason, count in
      MetricsRegistry.Sample(
        kind: .counter, name: "verdict_tenant_requests_refused_total",
        labels: [("tenant", tenant), ("reason", reason.rawValue)], value: Double(count))
    }
  }
}
