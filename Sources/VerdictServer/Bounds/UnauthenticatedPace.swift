import HTTPTypes
import Synchronization

/// Paces the requests that show no valid API key, by client address: beyond a rate, a response waits, so that a client that sends one
/// request after the other is slowed down and leaves the processors to others.
///
/// The table has a fixed number of buckets, and the hash of an address selects one (the hash is seeded by the process), so memory and
/// work are bounded for any number of addresses.
final class UnauthenticatedPace: Sendable {
  /// The outcome of a request.
  enum Admission: Sendable {
    /// The request is answered.
    case admitted
    /// The request is beyond the rate, and has waited.
    case held
    /// The request is beyond the rate, and too many others wait.
    case refused
  }

  private static let count = 8_192
  /// How long a response waits.
  private static let pause = Duration.milliseconds(250)
  /// The number of responses that may wait.
  private static let mostHeld = 2_000

  private let rate: Double
  private let capacity: Double
  private let buckets: Mutex<[TokenBucket]>
  private let held = Atomic(0)

  /// - Parameter rate: requests a second; a burst may be twice as large.
  init(rate: Int) {
    self.rate = Double(rate)
    capacity = 2 * Double(rate)
    buckets = Mutex(Array(repeating: TokenBucket(capacity: 2 * Double(rate), now: .now), count: Self.count))
  }

  /// Takes the tokens of a request. Beyond the rate it returns after a pause.
  ///
  /// - Parameter cost: the number of tokens.
  func admit(_ address: String, cost: Int = 1) async -> Admission {
    var hasher = Hasher()
    hasher.combine(address)
    let index = Int(UInt(bitPattern: hasher.finalize()) % UInt(Self.count))
    let isAdmitted = buckets.withLock { buckets in
      buckets[index].take(rate: rate, capacity: capacity, now: .now, count: cost) != nil
    }
    if isAdmitted { return .admitted }
    defer { held.subtract(1, ordering: .relaxed) }
    guard held.add(1, ordering: .relaxed).newValue <= Self.mostHeld else { return .refused }
    try? await Task.sleep(for: Self.pause)
    return .held
  }

  /// Takes the token of a request that is refused anyway. Beyond the rate it returns after a pause.
  ///
  /// Not inlined, so that the frames of requests with a valid key stay small.
  @inline(never)
  func slowDown(_ address: String) async { _ = await admit(address) }

  /// The problem of a request beyond the rate.
  static let refusal = Problem(
    .tooManyRequests, "Too many requests without an API key came from this address.",
    headers: [.retryAfter: "1"], because: .requestRate)
}
