import Foundation
import Hummingbird
import NIOCore
import Synchronization
import Testing
import TestSupport

@testable import PostgreSQL
@testable import VerdictCore
@testable import VerdictServer

/// Caching of API keys by ``Authenticator``, with a clock that the test controls.
@Suite struct AuthenticatorTests {
  private let secret = KeySecret.generate(for: TenantID(rawValue: 7))

  private var request: Request {
    Request(
      head: .init(
        method: .get, scheme: nil, authority: nil, path: "/",
        headerFields: [.authorization: "Bearer \(secret.token)"]),
      body: .init(buffer: ByteBuffer()))
  }

  private final class World: Sendable {
    private struct State {
      var lookups = 0
      var isRevoked = false
    }

    private let clock = ManualClock()
    private let barrier = Barrier()
    private let state = Mutex(State())

    var now: ContinuousClock.Instant { clock.now }
    var lookups: Int { state.withLock(\.lookups) }

    func pass(_ duration: Duration) { clock.advance(by: duration) }
    func revoke() { state.withLock { $0.isRevoked = true } }
    func hold() { barrier.close() }
    func release() { barrier.open() }

    /// Reads the state when called, and returns once ``release()`` allows it.
    func find(_ secret: KeySecret) async -> Principal? {
      let isRevoked = state.withLock { state in
        state.lookups += 1
        return state.isRevoked
      }
      await barrier.pass()
      return isRevoked ? nil : Principal(tenant: secret.tenant, keyID: 1, role: .read)
    }
  }

  private func isAdmitted(_ authenticator: Authenticator) async throws -> Bool {
    do {
      _ = try await authenticator.caller(of: request, from: "192.0.2.1")
      return true
    } catch let problem as Problem {
      #expect(problem.kind == .unauthorized)
      return false
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func resultsAgeFromTheStartOfTheLookUp() async throws {
    let world = World()
    let authenticator = Authenticator(clock: { world.now }) { await world.find($0) }
    world.hold()
    async let first = isAdmitted(authenticator)
    try await eventually { world.lookups == 1 }
    // The key is revoked just after the look-up has read it; other callers join the look-up.
    world.revoke()
    world.pass(.milliseconds(800))
    let joining = (0..<8).map { _ in Task { try await isAdmitted(authenticator) } }
    try await Task.sleep(for: .milliseconds(50))
    world.release()
    #expect(try await first)
    for each in joining { #expect(try await each.value) }
    #expect(world.lookups == 1)
    world.pass(.milliseconds(200))
    #expect(try await !isAdmitted(authenticator))
    #expect(world.lookups == 2)
  }

  @Test(.timeLimit(.minutes(10)))
  func expiredLookUpsAreNotShared() async throws {
    let world = World()
    let authenticator = Authenticator(clock: { world.now }) { await world.find($0) }
    world.hold()
    async let first = isAdmitted(authenticator)
    try await eventually { world.lookups == 1 }
    world.revoke()
    world.pass(.seconds(1))
    async let second = isAdmitted(authenticator)
    try await eventually { world.lookups == 2 }
    world.release()
    #expect(try await first)
    #expect(try await !second)
    #expect(try await !isAdmitted(authenticator))
  }

  /// A database that refuses connections or does not answer, and a key that may expire meanwhile.
  private final class Outage: Sendable {
    let failure = Mutex<PostgreSQLError?>(nil)
    let expiry: Date?

    init(expiry: Date? = nil) { self.expiry = expiry }

    func find(_ secret: KeySecret) throws -> Principal? {
      if let failure = failure.withLock({ $0 }) { throw failure }
      return Principal(tenant: secret.tenant, keyID: 1, role: .read, expiresAt: expiry)
    }

    static var refused: PostgreSQLError {
      var error = PostgreSQLError(.connectionFailed, "refused")
      error.isRefused = true
      return error
    }
  }

  @Test func cachedKeysStayValidWhileTheDatabaseIsDown() async throws {
    let world = World()
    let outage = Outage()
    let authenticator = Authenticator(clock: { world.now }) { try outage.find($0) }
    outage.failure.withLock { $0 = Outage.refused }
    // A key that was never validated is not accepted.
    await #expect(throws: PostgreSQLError.self) { try await isAdmitted(authenticator) }
    outage.failure.withLock { $0 = nil }
    #expect(try await isAdmitted(authenticator))
    // Neither is a key whose revocation may have been missed.
    world.pass(.seconds(1))
    outage.failure.withLock { $0 = Outage.refused }
    await #expect(throws: PostgreSQLError.self) { try await isAdmitted(authenticator) }
    outage.failure.withLock { $0 = nil }
    authenticator.listeningBegan()
    #expect(try await isAdmitted(authenticator))
    outage.failure.withLock { $0 = Outage.refused }
    authenticator.listeningEnded()
    for _ in 0..<5 {
      world.pass(.seconds(3_600))
      #expect(try await isAdmitted(authenticator))
    }
    // While the server runs without answering, another process may have revoked the key.
    world.pass(.seconds(1))
    outage.failure.withLock { $0 = PostgreSQLError(.statementTimeout, "silence") }
    await #expect(throws: PostgreSQLError.self) { try await isAdmitted(authenticator) }
    // Once the server is back, its answer counts.
    outage.failure.withLock { $0 = nil }
    #expect(try await isAdmitted(authenticator))
  }

  /// A key that was revoked before the outage, and a database server that ran on after the listening connection was lost.
  @Test func keysPossiblyRevokedBeforeAnOutageAreRefused() async throws {
    let world = World()
    let outage = Outage()
    let authenticator = Authenticator(clock: { world.now }) { try outage.find($0) }
    authenticator.listeningBegan()
    #expect(try await isAdmitted(authenticator))
    authenticator.revoked(secret.tenant, key: 1)
    outage.failure.withLock { $0 = Outage.refused }
    authenticator.listeningEnded()
    world.pass(.seconds(1))
    await #expect(throws: PostgreSQLError.self) { try await isAdmitted(authenticator) }
    outage.failure.withLock { $0 = nil }
    world.pass(.seconds(5))
    #expect(try await isAdmitted(authenticator))
    world.pass(.seconds(1))
    outage.failure.withLock { $0 = Outage.refused }
    await #expect(throws: PostgreSQLError.self) { try await isAdmitted(authenticator) }
  }

  @Test func cachedKeysExpireWhileTheDatabaseIsDown() async throws {
    let world = World()
    let outage = Outage(expiry: Date(timeIntervalSinceNow: -1))
    let authenticator = Authenticator(clock: { world.now }) { try outage.find($0) }
    authenticator.listeningBegan()
    #expect(try await isAdmitted(authenticator))
    outage.failure.withLock { $0 = Outage.refused }
    world.pass(.seconds(1))
    #expect(try await !isAdmitted(authenticator))
  }
}
