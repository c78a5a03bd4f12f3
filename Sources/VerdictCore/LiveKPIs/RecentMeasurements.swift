import Learning
import Synchronization

/// Caches live KPIs for a second, so that repeated requests to a model below its gate do not read and count its predictions
/// each time.
///
/// An entry is valid only for the same confusion matrix, which every new, changed or deleted label changes.
final class RecentMeasurements: Sendable {
  /// The key of a measurement.
  struct Subject: Hashable {
    /// The dataset's id.
    var dataset: Int
    /// The model's version.
    var version: Int
    /// The KPI.
    var metric: Metric
    /// The days before which no outcome is expected.
    var outcomeAfterDays: Int?
  }

  private struct Measurement {
    var matrix: ConfusionMatrix
    var value: GateMeasurement
    var until: ContinuousClock.Instant
  }

  private static let lifetime = Duration.seconds(1)
  private static let capacity = 1_000

  private let kept = Mutex<[Subject: Measurement]>([:])

  /// The cached value, or else the result of `measure`.
  func value(
    _ subject: Subject, _ matrix: ConfusionMatrix, measuredBy measure: () async throws -> GateMeasurement
  ) async throws -> GateMeasurement {
    let now = ContinuousClock.now
    if let known = kept.withLock({ $0[subject] }), known.matrix == matrix, known.until > now {
      return known.value
    }
    let value = try await measure()
    kept.withLock { kept in
      if kept.count >= Self.capacity { kept.removeAll(keepingCapacity: true) }
      kept[subject] = Measurement(matrix: matrix, value: value, until: now + Self.lifetime)
    }
    return value
  }
}
