import Synchronization

/// How long a tenant's next training waits for one that has ended in a process that answers requests, too.
///
/// A training stands back for requests on its own threads, but not in PostgreSQL, which sends its labels and stores its model.
/// So a tenant that has trainings follow upon each other is at one for a fifth of the time, as long as requests come in.
final class TrainingPace: Sendable {
  private struct Snapshot {
    var requests: Int
    var time: ContinuousClock.Instant
  }

  /// From how many requests a second on the process counts as busy.
  private static let busy = 200.0
  /// How many times as long as its last training a tenant rests.
  private static let factor = 4
  private static let longest = Duration.seconds(60)

  private let requests: @Sendable () -> Int
  private let last: Mutex<Snapshot>

  /// - Parameter requests: how many requests the process has answered.
  init(requests: @escaping @Sendable () -> Int) {
    self.requests = requests
    last = Mutex(Snapshot(requests: requests(), time: .now))
  }

  /// For how long the tenant of a training that took `duration` rests.
  func rest(after duration: Duration) -> Duration {
    let look = Snapshot(requests: requests(), time: .now)
    let rate = last.withLock { last in
      defer { last = look }
      return Double(look.requests - last.requests) / max((look.time - last.time) / .seconds(1), 0.001)
    }
    return rate < Self.busy ? .zero : min(duration * Self.factor, Self.longest)
  }
}
