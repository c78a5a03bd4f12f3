import HTTPTypes
import Synchronization

/// Bounds what wrong keys cost the server, by the address that they come from: each look-up of a key that is not known
/// takes a token, which a right key gives back. Who has none left is refused without asking the database.
///
/// The table has a fixed number of buckets, and an address uses the one that its hash falls on (the hash is seeded by the
/// process): memory and work are bounded however many addresses there are.
final class FailedAuthLimiter: Sendable {
  /// How many wrong keys an address may try.
  struct Allowance: Sendable {
    /// At once.
    var burst = 500
    /// A second, after those.
    var perSecond = 10.0
  }

  private struct Bucket {
    var tokens: Double
    var filled: ContinuousClock.Instant
  }

  private static let count = 8_192

  private let allowance: Allowance
  private let buckets: Mutex<[Bucket]>

  init(_ allowance: Allowance = Allowance()) {
    self.allowance = allowance
    let full = Bucket(tokens: Double(allowance.burst), filled: .now)
    buckets = Mutex(Array(repeating: full, count: Self.count))
  }

  /// Takes a token; false when there is none.
  func take(_ address: String, now: ContinuousClock.Instant) -> Bool {
    let index = Self.index(of: address)
    return buckets.withLock { buckets in
      var bucket = buckets[index]
      let filling = max(0, (now - bucket.filled).inSeconds) * allowance.perSecond
      bucket.tokens = min(Double(allowance.burst), bucket.tokens + filling)
      bucket.filled = now
      defer { buckets[index] = bucket }
      guard bucket.tokens >= 1 else { return false }
      bucket.tokens -= 1
      return true
    }
  }

  /// Gives a token back: the key was right.
  func giveBack(_ address: String) {
    let index = Self.index(of: address)
    buckets.withLock { $0[index].tokens = min(Double(allowance.burst), $0[index].tokens + 1) }
  }

  private static func index(of address: String) -> Int {
    var hasher = Hasher()
    hasher.combine(address)
    return Int(UInt(bitPattern: hasher.finalize()) % UInt(count))
  }

  /// The answer to one key too many.
  static let refusal = Problem(
    .tooManyRequests, "Too many unknown API keys came from this address.", headers: [.retryAfter: "10"])
}
