import Crypto
import HTTPTypes
import Hummingbird
import Synchronization
import VerdictCore

/// Looks up who sends a request by its bearer key (RFC 6750, section 2.1).
///
/// What was found is remembered for less than a second, so that a busy key costs one look-up a second and a revoked one
/// is refused within a second in every process. Look-ups of one key at one time share one query.
final class Authenticator: Sendable {
  private struct Known {
    var principal: Principal
    var until: ContinuousClock.Instant
  }

  private enum Lookup {
    case known(Principal)
    case running(Task<Principal?, any Error>)
  }

  private struct State {
    var known: [Digest: Known] = [:]
    var running: [Digest: Task<Principal?, any Error>] = [:]
  }

  private typealias Digest = SHA256.Digest

  private static let lifetime = Duration.milliseconds(900)
  private static let capacity = 10_000

  private let keys: KeyStore
  private let state = Mutex(State())

  init(keys: KeyStore) {
    self.keys = keys
  }

  /// Who sends `request`.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`.
  func principal(of request: Request) async throws -> Principal {
    guard var header = request.headers[.authorization] else {
      throw Self.unauthorized("This path needs an API key: Authorization: Bearer vd_….")
    }
    let digest = header.withUTF8 { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
    let now = ContinuousClock.now
    let known = state.withLock { $0.known[digest] }
    if let known, known.until > now { return known.principal }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer", let secret = KeySecret(token: parts[1]) else {
      throw Self.unauthorized("The Authorization header does not carry an API key: Bearer vd_….")
    }
    guard let principal = try await principal(for: secret, digest) else {
      throw Self.unauthorized("The API key is unknown, revoked or expired.")
    }
    return principal
  }

  /// - Parameter digest: of the header; the same key in a header of another form is looked up for itself.
  private func principal(for secret: KeySecret, _ digest: Digest) async throws -> Principal? {
    let now = ContinuousClock.now
    let lookup: Lookup = state.withLock { state in
      if let known = state.known[digest], known.until > now { return .known(known.principal) }
      if let running = state.running[digest] { return .running(running) }
      let task = Task { [keys] in try await keys.principal(for: secret) }
      state.running[digest] = task
      return .running(task)
    }
    let task: Task<Principal?, any Error>
    switch lookup {
    case .known(let principal): return principal
    case .running(let running): task = running
    }
    let result = await task.result
    state.withLock { state in
      guard state.running[digest] == task else { return }
      state.running[digest] = nil
      if state.known.count >= Self.capacity { state.known = state.known.filter { $0.value.until > now } }
      // The age counts from the start of the look-up: a revocation after it may not have been seen.
      if case .success(let principal?) = result {
        state.known[digest] = Known(principal: principal, until: now + Self.lifetime)
      } else {
        state.known[digest] = nil
      }
    }
    return try result.get()
  }

  private static func unauthorized(_ detail: String) -> Problem {
    Problem(.unauthorized, detail, headers: [.wwwAuthenticate: "Bearer realm=\"verdict\""])
  }
}
