/// Records when change notifications were received, to decide which cached data are valid while the database is down.
package struct NotificationRecord: Sendable {
  private var listeningSince: ContinuousClock.Instant?
  private var listeningUntil: ContinuousClock.Instant?
  private var lastResponse: ContinuousClock.Instant?

  /// How long another session may outlive the listening session when their server stops.
  private static let slack = Duration.seconds(1)

  /// Nothing received yet.
  package init() {}

  /// Notes that notifications arrive from now on; earlier ones may have been missed.
  package mutating func began(at now: ContinuousClock.Instant) {
    listeningSince = now
    listeningUntil = nil
  }

  /// Notes that notifications may be missed from now on.
  package mutating func ended(at now: ContinuousClock.Instant) { listeningUntil = listeningUntil ?? now }

  /// Notes that the database answered a query that began at this time.
  package mutating func answered(at start: ContinuousClock.Instant) {
    lastResponse = max(lastResponse ?? start, start)
  }

  /// Whether data that were read at `time` and for which no change was announced are those with which the server stopped:
  /// every notification since then was received, and no query was answered after notifications could be missed.
  package func covers(_ time: ContinuousClock.Instant) -> Bool {
    guard let listeningSince, listeningSince <= time else { return false }
    guard let listeningUntil, let lastResponse else { return true }
    return lastResponse <= listeningUntil + Self.slack
  }
}
