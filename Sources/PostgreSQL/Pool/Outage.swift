internal import Logging

/// A time in which no connection could be made, so that it is logged once and not at every attempt.
struct Outage {
  /// When the first attempt failed.
  let start: ContinuousClock.Instant
  /// How many attempts have failed.
  let attempts: Int
  /// Why the last one failed.
  let failure: PostgreSQLError

  /// Begins an outage, or goes on with one.
  init(following earlier: Outage?, _ failure: PostgreSQLError) {
    start = earlier?.start ?? .now
    attempts = (earlier?.attempts ?? 0) + 1
    self.failure = failure
  }

  /// What the log says when it is over.
  var metadata: Logger.Metadata {
    let seconds = start.duration(to: .now) / .seconds(1)
    return ["failed_attempts": "\(attempts)", "seconds": "\((seconds * 10).rounded() / 10)"]
  }
}
