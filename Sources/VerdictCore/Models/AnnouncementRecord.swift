/// When announcements of changes were heard, from which follows what a process may go by while no database server runs.
package struct AnnouncementRecord: Sendable {
  private var heardSince: ContinuousClock.Instant?
  private var heardUntil: ContinuousClock.Instant?
  private var lastAnswer: ContinuousClock.Instant?

  /// How much longer than the listening session another session may live when their server stops.
  private static let slack = Duration.seconds(1)

  /// Nothing heard yet.
  package init() {}

  /// Announcements come in from now on; what was announced before may have been missed.
  package mutating func began(at now: ContinuousClock.Instant) {
    heardSince = now
    heardUntil = nil
  }

  /// Announcements may be missed from now on.
  package mutating func ended(at now: ContinuousClock.Instant) { heardUntil = heardUntil ?? now }

  /// The database has answered a look that began at this time.
  package mutating func answered(at start: ContinuousClock.Instant) {
    lastAnswer = max(lastAnswer ?? start, start)
  }

  /// Whether what the database said at a time held when its server stopped, unless a change was announced: it was heard of
  /// every change since, and nothing shows that the server lived on after the last announcement could be heard.
  package func covers(_ time: ContinuousClock.Instant) -> Bool {
    guard let heardSince, heardSince <= time else { return false }
    guard let heardUntil, let lastAnswer else { return true }
    return lastAnswer <= heardUntil + Self.slack
  }
}
