import HTTPTypes
import Synchronization

/// Limits how often one address can make the server look up API keys that do not exist: each look-up of an uncached key
/// takes a token, and a valid key returns it. An address without tokens is refused without a query.
///
/// The table has a fixed number of buckets, and the hash of an address selects one (the hash is seeded by the process), so
/// memory and work are bounded for any number of addresses.
final class FailedAuthLimiter: Sendable {
  /// How many wrong keys an address may try.
  struct Allowance: Sendable {
    /// The burst.
    var burst = 500
    /// The rate a second after the burst.
    var perSecond = 10.0
  }

  private static let count = 8_192

  private let allowance: Allowance
  private let capacity: Double
  private let buckets: Mutex<[TokenBucket]>

  init(_ allowance: Allowance = Allowance()) {
    self.allowance = allowance
    capacity = Double(allowance.burst)
    let full = TokenBucket(capacity: capacity, now: .now)
    buckets = Mutex(Array(repeating: full, count: Self.count))
  }

  /// Takes a token; false when there is none.
  func take(_ address: String, now: ContinuousClock.Instant) -> Bool {
    let index = Self.index(of: address)
    return buckets.withLock {
      $0[index].take(rate: allowance.perSecond, capacity: capacity, now: now) != nil
    }
  }

  /// Returns the token of a look-up that found a valid key.
  func refund(_ address: String) {
    let index = Self.index(of: address)
    buckets.withLock { $0[index].refund(capacity: capacity) }
  }

  private static func index(of address: String) -> Int {
    var hasher = Hasher()
    hasher.combine(address)
    return Int(UInt(bitPattern: hasher.finalize()) % UInt(count))
  }

  /// The problem of an address without tokens.
  static let refusal = Problem(
    .tooManyRequests, "Too many unknown API keys came from this address.", headers: [.retryAfter: "10"],
    because: .wrongKeys)
}
