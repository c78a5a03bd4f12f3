import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import PostgreSQL
import Synchronization
import VerdictCore

/// Authenticates requests by their bearer key (RFC 6750, section 2.1).
///
/// Results are cached for less than a second: a busy key costs one look-up a second, and every process refuses a revoked key
/// within a second. Concurrent look-ups of one key share one query. While no database server runs, keys cannot be revoked,
/// so a key that was valid when the server stopped stays valid until it expires.
final class Authenticator: Sendable {
  /// The principal of a request with the rate limiter of its tenant.
  struct Caller: Sendable {
    var principal: Principal
    fileprivate var bucket: RequestRateLimiter

    /// Counts one request against the tenant's rate limit.
    ///
    /// - Returns: the header fields of the response, if the tenant has a limit of its own.
    /// - Throws: ``Problem`` of kind `too-many-requests`.
    func takeRequest() throws -> HTTPFields? {
      guard let rate = principal.limits[.requestsPerSecond] else { return nil }
      guard let left = bucket.take(rate: rate, now: .now) else { throw RateLimit.refusal(rate) }
      guard principal.limits[set: .requestsPerSecond] != nil else { return nil }
      return [.rateLimitPolicy: RateLimit.policy(rate), .rateLimit: RateLimit.left(left)]
    }
  }

  private struct Known {
    var caller: Caller
    /// The start of the look-up.
    var found: ContinuousClock.Instant
    var until: ContinuousClock.Instant
  }

  /// A look-up that requests share. Its result reflects the database when it began, even for callers that joined later.
  private struct Running {
    var task: Task<Principal?, any Error>
    var start: ContinuousClock.Instant
  }

  private enum Lookup {
    case known(Caller)
    case running(Running)
  }

  private struct State {
    var known: [Digest: Known] = [:]
    var running: [Digest: Running] = [:]
    var buckets: [TenantID: RequestRateLimiter] = [:]
    var notifications = NotificationRecord()

    mutating func caller(_ principal: Principal) -> Caller {
      if let bucket = buckets[principal.tenant] { return Caller(principal: principal, bucket: bucket) }
      let bucket = RequestRateLimiter(rate: principal.limits[.requestsPerSecond] ?? .max, now: .now)
      buckets[principal.tenant] = bucket
      return Caller(principal: principal, bucket: bucket)
    }
  }

  private typealias Digest = SHA256.Digest

  private static let lifetime = Duration.milliseconds(900)
  private static let capacity = 10_000

  private let find: @Sendable (KeySecret) async throws -> Principal?
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let failedAuthLimiter: FailedAuthLimiter
  private let state = Mutex(State())

  convenience init(keys: KeyStore, failedAuthLimiter: FailedAuthLimiter = FailedAuthLimiter()) {
    self.init(failedAuthLimiter: failedAuthLimiter) { try await keys.principal(for: $0) }
  }

  /// - Parameters:
  ///   - clock: the time, which tests replace.
  ///   - find: looks up a secret.
  init(
    failedAuthLimiter: FailedAuthLimiter = FailedAuthLimiter(),
    clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    find: @escaping @Sendable (KeySecret) async throws -> Principal?
  ) {
    self.find = find
    self.clock = clock
    self.failedAuthLimiter = failedAuthLimiter
  }

  /// The caller that sends `request`.
  ///
  /// - Parameter address: the client's address, for which wrong keys are counted; evaluated only for a look-up.
  /// - Throws: ``Problem`` of kind `unauthorized`; `too-many-requests` when too many wrong keys came from the address.
  func caller(of request: Request, from address: @autoclosure () -> String?) async throws -> Caller {
    guard var header = request.headers.value(.authorization) else {
      throw Self.unauthorized("This path needs an API key: Authorization: Bearer vd_….")
    }
    let digest = header.withUTF8 { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
    let now = clock()
    let known = state.withLock { $0.known[digest] }
    if let known, known.until > now { return known.caller }
    return try await lookedUp(header, digest, known: known, now, from: address)
  }

  /// The caller of a request whose key is not cached.
  ///
  /// Not inlined, so that the frames of requests with a cached key stay small.
  @inline(never)
  private func lookedUp(
    _ header: String, _ digest: Digest, known: Known?, _ now: ContinuousClock.Instant,
    from address: () -> String?
  ) async throws -> Caller {
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer", let secret = KeySecret(token: parts[1]) else {
      throw Self.unauthorized("The Authorization header does not carry an API key: Bearer vd_….")
    }
    // A key that was valid a moment ago costs its address no token, since other clients may share the address.
    let origin = known == nil ? address() : nil
    if let origin, !failedAuthLimiter.take(origin, now: now) { throw FailedAuthLimiter.refusal }
    do {
      guard let caller = try await caller(for: secret, digest) else {
        throw Self.unknownKey
      }
      if let origin { failedAuthLimiter.refund(origin) }
      return caller
    } catch let error as PostgreSQLError {
      if let origin { failedAuthLimiter.refund(origin) }
      guard error.isServerDown, let caller = keep(digest) else { throw error }
      if let end = caller.principal.expiresAt, end <= Date() {
        throw Self.unknownKey
      }
      return caller
    }
  }

  /// Extends the validity of a cached key for a moment, if it was valid when the database server stopped.
  private func keep(_ digest: Digest) -> Caller? {
    state.withLock { state in
      guard let known = state.known[digest], state.notifications.covers(known.found) else { return nil }
      state.known[digest]?.until = clock() + ServedDatasets.pause
      return known.caller
    }
  }

  /// Records that notifications of revoked keys arrive from now on.
  func listeningBegan() { state.withLock { $0.notifications.began(at: clock()) } }

  /// Records that notifications may be missed from now on.
  func listeningEnded() { state.withLock { $0.notifications.ended(at: clock()) } }

  /// Removes a revoked key, or all keys of a tenant, from the cache.
  func revoked(_ tenant: TenantID, key: Int?) {
    state.withLock { state in
      state.known = state.known.filter { entry in
        let principal = entry.value.caller.principal
        return principal.tenant != tenant || (key != nil && principal.keyID != key)
      }
      // Running look-ups may have read the key before its revocation.
      state.running = [:]
    }
  }

  /// Checks that the key of an admitted request is still valid.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`; ``PostgreSQLError``.
  func check(_ request: Request) async throws {
    // The address has shown a valid key, so the check costs it no token.
    _ = try await caller(of: request, from: nil)
  }

  /// - Parameter digest: of the header; another spelling of the header has an entry of its own.
  private func caller(for secret: KeySecret, _ digest: Digest) async throws -> Caller? {
    let now = clock()
    let lookup: Lookup = state.withLock { state in
      if let known = state.known[digest], known.until > now { return .known(known.caller) }
      // A look-up that has run for longer may have begun before a revocation that is effective now.
      if let running = state.running[digest], running.start + Self.lifetime > now { return .running(running) }
      // Detached, since its log lines must not carry the id of one of the requests that share it.
      let running = Running(task: Task.detached { [find] in try await find(secret) }, start: now)
      state.running[digest] = running
      return .running(running)
    }
    let running: Running
    switch lookup {
    case .known(let caller): return caller
    case .running(let lookup): running = lookup
    }
    let result = await running.task.result
    let caller = state.withLock { state in
      let principal = try? result.get()
      let caller = principal.map { state.caller($0) }
      guard state.running[digest]?.task == running.task else { return caller }
      state.running[digest] = nil
      // A failed look-up says nothing about the key.
      guard case .success = result else { return caller }
      if state.known.count >= Self.capacity { state.known = state.known.filter { $0.value.until > now } }
      // The age counts from the start of the look-up, which may have missed a later revocation.
      state.notifications.answered(at: running.start)
      state.known[digest] = caller.map {
        Known(caller: $0, found: running.start, until: running.start + Self.lifetime)
      }
      return caller
    }
    _ = try result.get()
    return caller
  }

  /// The problem of a request with an unknown, revoked or expired key.
  static let unknownKey = unauthorized("The API key is unknown, revoked or expired.")

  /// The problem of a request without a valid key.
  static func unauthorized(_ detail: String) -> Problem {
    Problem(.unauthorized, detail, headers: [.wwwAuthenticate: "Bearer realm=\"verdict\""])
  }
}
