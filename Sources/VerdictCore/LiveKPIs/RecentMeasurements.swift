import Learning
import Synchronization

/// Caches live KPIs for a second, so that repeated requests to a model below its gate do not read all its labelled
/// predictions each time.
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
  }

  private struct Measurement {
    var matrix: ConfusionMatrix
    var value: Double?
    var until: ContinuousClock.Instant
  }

  private static let lifetime = Duration.seconds(1)
  private static let capacity = 1_000

  private let kept = Mutex<[Subject: Measurement]>([:])

  /// The cached value, or else the result of `measure`; `nil` is an undefined KPI.
  func value(
    _ subject: Subject, _ matrix: ConfusionMatrix, measuredBy measure: () async throws -> Double?
  ) async throws -> Double? {
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
