import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import PostgreSQL
import Synchronization
import VerdictCore

/// Looks up who sends a request by its bearer key (RFC 6750, section 2.1).
///
/// What was found is remembered for less than a second, so that a busy key costs one look-up a second and a revoked one
/// is refused within a second in every process. Look-ups of one key at one time share one query. While no database server
/// runs, a key that was good when it stopped stays good until it expires: nobody can revoke it meanwhile.
final class Authenticator: Sendable {
  /// Who sends a request, and what that tenant may still ask for.
  struct Caller: Sendable {
    var principal: Principal
    fileprivate var bucket: RequestRateLimiter

    /// Takes one of the tenant's requests.
    ///
    /// - Returns: what to say about it in the answer, if the tenant has a limit of its own.
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
    /// When the look-up began that found it.
    var found: ContinuousClock.Instant
    var until: ContinuousClock.Instant
  }

  /// A look-up that several requests may wait for. What it finds is as old as its start, whoever joined it later.
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
    var announcements = AnnouncementRecord()

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
  ///   - clock: tells the time; tests have one of their own.
  ///   - find: looks a secret up.
  init(
    failedAuthLimiter: FailedAuthLimiter = FailedAuthLimiter(),
    clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    find: @escaping @Sendable (KeySecret) async throws -> Principal?
  ) {
    self.find = find
    self.clock = clock
    self.failedAuthLimiter = failedAuthLimiter
  }

  /// Who sends `request`.
  ///
  /// - Parameter address: where it comes from, for which wrong keys are counted; asked for only when the database has to be.
  /// - Throws: ``Problem`` of kind `unauthorized`; `too-many-requests` when too many wrong keys came from the address.
  func caller(of request: Request, from address: @autoclosure () -> String?) async throws -> Caller {
    guard var header = request.headers.value(.authorization) else {
      throw Self.unauthorized("This path needs an API key: Authorization: Bearer vd_….")
    }
    let digest = header.withUTF8 { SHA256.hash(data: UnsafeRawBufferPointer($0)) }
    let now = clock()
    let known = state.withLock { $0.known[digest] }
    if let known, known.until > now { return known.caller }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer", let secret = KeySecret(token: parts[1]) else {
      throw Self.unauthorized("The Authorization header does not carry an API key: Bearer vd_….")
    }
    // A key that was right a moment ago costs its address nothing, whoever else is behind it.
    let origin = known == nil ? address() : nil
    if let origin, !failedAuthLimiter.take(origin, now: now) { throw FailedAuthLimiter.refusal }
    do {
      guard let caller = try await caller(for: secret, digest) else {
        throw Self.unauthorized("The API key is unknown, revoked or expired.")
      }
      if let origin { failedAuthLimiter.giveBack(origin) }
      return caller
    } catch let error as PostgreSQLError {
      if let origin { failedAuthLimiter.giveBack(origin) }
      guard error.isServerDown, let caller = keep(digest) else { throw error }
      if let end = caller.principal.expiresAt, end <= Date() {
        throw Self.unauthorized("The API key is unknown, revoked or expired.")
      }
      return caller
    }
  }

  /// Takes a key for good once more, for a moment, if it was when the server stopped.
  private func keep(_ digest: Digest) -> Caller? {
    state.withLock { state in
      guard let known = state.known[digest], state.announcements.covers(known.found) else { return nil }
      state.known[digest]?.until = clock() + ServedDatasets.pause
      return known.caller
    }
  }

  /// Announcements of revoked keys come in from now on.
  func listeningBegan() { state.withLock { $0.announcements.began(at: clock()) } }

  /// They may be missed from now on.
  func listeningEnded() { state.withLock { $0.announcements.ended(at: clock()) } }

  /// Forgets a key that was revoked, or all of a tenant.
  func revoked(_ tenant: TenantID, key: Int?) {
    state.withLock { state in
      state.known = state.known.filter { entry in
        let principal = entry.value.caller.principal
        return principal.tenant != tenant || (key != nil && principal.keyID != key)
      }
      // Look-ups under way may have read the key before its revocation.
      state.running = [:]
    }
  }

  /// Passes while the key of a request that was let in before is good.
  ///
  /// - Throws: ``Problem`` of kind `unauthorized`; ``PostgreSQLError``.
  func check(_ request: Request) async throws {
    // Its address has shown a right key: what it asks now costs nothing of its allowance.
    _ = try await caller(of: request, from: nil)
  }

  /// - Parameter digest: of the header; the same key in a header of another form is looked up for itself.
  private func caller(for secret: KeySecret, _ digest: Digest) async throws -> Caller? {
    let now = clock()
    let lookup: Lookup = state.withLock { state in
      if let known = state.known[digest], known.until > now { return .known(known.caller) }
      // One that has gone on for longer may have begun before a revocation that counts by now.
      if let running = state.running[digest], running.start + Self.lifetime > now { return .running(running) }
      // Shared by all who ask at this time: it carries the name of no request.
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
      // A look-up that failed says nothing of the key.
      guard case .success = result else { return caller }
      if state.known.count >= Self.capacity { state.known = state.known.filter { $0.value.until > now } }
      // The age counts from the start of the look-up: a revocation after it may not have been seen.
      state.announcements.answered(at: running.start)
      state.known[digest] = caller.map {
        Known(caller: $0, found: running.start, until: running.start + Self.lifetime)
      }
      return caller
    }
    _ = try result.get()
    return caller
  }

  /// The answer to a key that opens nothing.
  static func unauthorized(_ detail: String) -> Problem {
    Problem(.unauthorized, detail, headers: [.wwwAuthenticate: "Bearer realm=\"verdict\""])
  }
}
