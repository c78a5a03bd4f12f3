import CoreMetrics
import PostgreSQL
import Synchronization
import VerdictCore

/// Counts predictions by outcome: stored, unstored, refused by the gate, shed under overload.
final class PredictionMetrics: Sendable {
  private struct State {
    var stored = 0
    var unstored = 0
    var refused = 0
    var shed = 0
    var byTenant: [TenantID: Int] = [:]
  }

  private let state = Mutex(State())
  private let flushSeconds: Timer
  private let flushRows: Recorder

  init(registry: MetricsRegistry) {
    flushSeconds = Timer(label: "verdict_prediction_flush_seconds", dimensions: [], factory: registry)
    flushRows = Recorder(
      label: "verdict_prediction_flush_rows", dimensions: [], aggregate: true, factory: registry)
    registry.addSource { [weak self] scrape in self?.samples(scrape) ?? [] }
  }

  /// Records a group commit of the prediction writer.
  func flushed(rows: Int, in duration: Duration) {
    flushSeconds.recordNanoseconds(Int64(duration / .nanoseconds(1)))
    flushRows.record(rows)
  }

  /// Counts answered predictions.
  func answered(_ tenant: TenantID, _ count: Int, stored: Bool) {
    state.withLock { state in
      if stored { state.stored += count } else { state.unstored += count }
      state.byTenant[tenant, default: 0] += count
    }
  }

  /// Counts a failed request for predictions, by its error.
  func failed(_ error: any Error) {
    switch error {
    case DomainError.belowGate: state.withLock { $0.refused += 1 }
    case is PredictionWriter.Overloaded, is ConnectionLimiter.Full, is ModelTurns.Busy,
      is ServedDatasets.Changing:
      state.withLock { $0.shed += 1 }
    case let error as PostgreSQLError where error.kind == .acquireTimeout: state.withLock { $0.shed += 1 }
    default: break
    }
  }

  private func samples(_ scrape: MetricsRegistry.Scrape) -> [MetricsRegistry.Sample] {
    let state = state.withLock { $0 }
    let name = "verdict_predictions_total"
    var samples: [MetricsRegistry.Sample] = [
      .init(kind: .counter, name: name, labels: [("stored", "true")], value: Double(state.stored)),
      .init(kind: .counter, name: name, labels: [("stored", "false")], value: Double(state.unstored)),
      .init(kind: .counter, name: "verdict_gate_refusals_total", value: Double(state.refused)),
      .init(kind: .counter, name: "verdict_predictions_shed_total", value: Double(state.shed)),
    ]
    if scrape.byTenant {
      samples += state.byTenant.map { tenant, count in
        .init(
          kind: .counter, name: "verdict_tenant_predictions_total", labels: [("tenant", "\(tenant)")],
          value: Double(count))
      }
    }
    return samples
  }
}
