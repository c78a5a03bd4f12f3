import HTTPTypes
import Synchronization
import VerdictCore

/// Limits the requests a second of one tenant to this process. The bucket holds a second's worth of tokens.
final class RequestRateLimiter: Sendable {
  private let bucket: Mutex<TokenBucket>

  /// A limiter with a full bucket.
  init(rate: Int, now: ContinuousClock.Instant) {
    bucket = Mutex(TokenBucket(capacity: Double(rate), now: now))
  }

  /// Takes a token.
  ///
  /// - Parameter rate: the tenant's present limit.
  /// - Returns: how many whole tokens are left; `nil` when there was none.
  func take(rate: Int, now: ContinuousClock.Instant) -> Int? {
    bucket.withLock { $0.take(rate: Double(rate), capacity: Double(rate), now: now) }
  }
}

/// The header fields that tell a client about its rate limit (draft-ietf-httpapi-ratelimit-headers).
enum RateLimit {
  /// The policy: requests a second, with a burst of one second's worth.
  static func policy(_ rate: Int) -> String { "\"requests\";q=\(rate);w=1" }

  /// The tokens that are left.
  static func left(_ tokens: Int) -> String { "\"requests\";r=\(tokens);t=1" }

  /// The problem of a request beyond the limit.
  static func refusal(_ rate: Int) -> Problem {
    var problem = Problem(
      .tooManyRequests, "The tenant may make \(rate) requests a second.",
      headers: [.retryAfter: "1", .rateLimitPolicy: policy(rate), .rateLimit: left(0)])
    problem.extensions = [.string("limit", Quota.requestsPerSecond.rawValue), .integer("maximum", rate)]
    return problem
  }
}
