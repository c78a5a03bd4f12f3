internal import Logging

/// A run of consecutive failed connection attempts.
///
/// The first failure of a run is logged as a warning; later ones, several a second, add nothing.
struct ConnectFailures {
  /// When the first attempt failed.
  let firstFailure: ContinuousClock.Instant
  /// The number of failed attempts.
  let count: Int
  /// The error of the last attempt.
  let lastError: PostgreSQLError

  /// Starts a run with one failure, or extends `earlier` by it.
  init(following earlier: ConnectFailures?, _ error: PostgreSQLError) {
    firstFailure = earlier?.firstFailure ?? .now
    count = (earlier?.count ?? 0) + 1
    lastError = error
  }

  /// Log metadata for the success that ends the run: failed attempts and seconds since the first.
  var metadata: Logger.Metadata {
    let seconds = firstFailure.duration(to: .now) / .seconds(1)
    return ["failed_attempts": "\(count)", "seconds": "\((seconds * 10).rounded() / 10)"]
  }
}
