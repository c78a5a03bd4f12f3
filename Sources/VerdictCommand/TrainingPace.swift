import Synchronization

/// Spaces the trainings of a tenant out in a process that also answers requests.
///
/// A training yields to requests on its own threads, but not in PostgreSQL, which sends its labels and stores its model. Under a
/// load of requests, a tenant with consecutive trainings therefore trains for at most a fifth of the time.
final class TrainingPace: Sendable {
  private struct Snapshot {
    var requests: Int
    var time: ContinuousClock.Instant
  }

  /// The rate of requests, per second, above which the process counts as busy.
  private static let busy = 200.0
  /// The ratio of a tenant's cooldown to the duration of its last training.
  private static let factor = 4
  /// The maximum cooldown.
  private static let longest = Duration.seconds(60)

  private let requests: @Sendable () -> Int
  private let last: Mutex<Snapshot>

  /// - Parameter requests: returns the number of requests that the process has answered.
  init(requests: @escaping @Sendable () -> Int) {
    self.requests = requests
    last = Mutex(Snapshot(requests: requests(), time: .now))
  }

  /// The cooldown of a tenant after a training that took `duration`.
  func cooldown(after duration: Duration) -> Duration {
    let current = Snapshot(requests: requests(), time: .now)
    let rate = last.withLock { last in
      defer { last = current }
      return Double(current.requests - last.requests) / max((current.time - last.time) / .seconds(1), 0.001)
    }
    return rate < Self.busy ? .zero : min(duration * Self.factor, Self.longest)
  }
}
