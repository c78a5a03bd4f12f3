import HTTPTypes
import Synchronization

/// What a tenant may still ask this process for: a token bucket that fills at the tenant's rate and holds a second's worth.
final class RequestBucket: Sendable {
  private struct State {
    var tokens: Double
    var rate: Int
    var filled: ContinuousClock.Instant
  }

  private let state: Mutex<State>

  /// A full bucket.
  init(rate: Int, now: ContinuousClock.Instant) {
    state = Mutex(State(tokens: Double(rate), rate: rate, filled: now))
  }

  /// Takes a token.
  ///
  /// - Parameter rate: of now; it may have been changed.
  /// - Returns: how many whole tokens are left; `nil` when there was none.
  func take(rate: Int, now: ContinuousClock.Instant) -> Int? {
    state.withLock { state in
      if rate != state.rate {
        state.tokens = min(state.tokens, Double(rate))
        state.rate = rate
      }
      let passed = now - state.filled
      if passed > .zero {
        state.tokens = min(Double(rate), state.tokens + passed.inSeconds * Double(rate))
        state.filled = now
      }
      guard state.tokens >= 1 else { return nil }
      state.tokens -= 1
      return Int(state.tokens)
    }
  }
}

extension Duration {
  /// In seconds.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

/// The header fields that tell a client of its rate (draft-ietf-httpapi-ratelimit-headers).
enum RateLimit {
  /// The policy: so many requests a second, with room for one second's worth at once.
  static func policy(_ rate: Int) -> String { "\"requests\";q=\(rate);w=1" }

  /// What is left of it now.
  static func left(_ tokens: Int) -> String { "\"requests\";r=\(tokens);t=1" }

  /// The answer to one request too many.
  static func refusal(_ rate: Int) -> Problem {
    var problem = Problem(
      .tooManyRequests, "The tenant may make \(rate) requests a second.",
      headers: [.retryAfter: "1", .rateLimitPolicy: policy(rate), .rateLimit: left(0)])
    problem.extensions = [.string("limit", "requests_per_second"), .integer("maximum", rate)]
    return problem
  }
}
