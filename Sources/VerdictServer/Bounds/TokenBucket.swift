/// A token bucket: it refills at a constant rate up to a capacity, and each admitted event takes a token.
///
/// Rate and capacity are arguments of each call, since a limit may change while its bucket is in use.
struct TokenBucket: Sendable {
  private var tokens: Double
  private var refilled: ContinuousClock.Instant

  /// A full bucket.
  init(capacity: Double, now: ContinuousClock.Instant) {
    tokens = capacity
    refilled = now
  }

  /// Takes a token, or as many as `count`.
  ///
  /// - Parameter rate: tokens a second.
  /// - Returns: how many whole tokens are left; `nil` when there was none to take.
  mutating func take(
    rate: Double, capacity: Double, now: ContinuousClock.Instant, count: Int = 1
  ) -> Int? {
    let elapsed = now - refilled
    tokens = min(capacity, tokens + max(0, elapsed / .seconds(1)) * rate)
    if elapsed > .zero { refilled = now }
    guard tokens >= Double(count) else { return nil }
    tokens -= Double(count)
    return Int(tokens)
  }

  /// Returns a token that was taken.
  mutating func refund(capacity: Double) { tokens = min(capacity, tokens + 1) }
}
