import Learning
import Synchronization

/// Live KPIs that were measured in the last second, so that a client that goes on asking a model which its gate refuses does not
/// have all its labelled predictions read for each request.
///
/// Good for as long as nothing is counted that was not counted then: a label that is new, changed or gone is another matrix.
final class RecentMeasurements: Sendable {
  /// What was measured of which predictions.
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

  /// The value, in which `nil` is undefined; measured by `measure` if it is not known.
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
