import DomainTestSupport
import PostgreSQL
import Synchronization
import Testing

@testable import VerdictCore

/// What a process knows of a tenant's stored predictions, by a clock and looks of the test's own.
@Suite struct PredictionUsageTests {
  private let tenant = TenantID(rawValue: 7)

  /// A database that says when it has looked and answers when it is let.
  private final class World: Sendable {
    private struct State {
      var passed = Duration.zero
      var stored = 0
      var looks = 0
      var isOpen = true
      var fails = false
      var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let start = ContinuousClock.now
    private let state = Mutex(State())
    let maximum: Int

    init(maximum: Int) { self.maximum = maximum }

    var usage: PredictionUsage {
      PredictionUsage(clock: { self.start + self.state.withLock(\.passed) }) { _, _ in try await self.look() }
    }

    var looks: Int { state.withLock(\.looks) }
    func pass(_ duration: Duration) { state.withLock { $0.passed += duration } }
    func store(_ rows: Int) { state.withLock { $0.stored += rows } }
    func hold() { state.withLock { $0.isOpen = false } }
    func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }

    func release() {
      let waiting = state.withLock { state in
        state.isOpen = true
        defer { state.waiting = [] }
        return state.waiting
      }
      for each in waiting { each.resume() }
    }

    private func look() async throws -> QuotaUsage {
      let (stored, fails) = state.withLock { state in
        state.looks += 1
        return (state.stored, state.fails)
      }
      await withCheckedContinuation { continuation in
        let goesOn = state.withLock { state in
          if !state.isOpen { state.waiting.append(continuation) }
          return state.isOpen
        }
        if goesOn { continuation.resume() }
      }
      if fails { throw PostgreSQLError(.connectionLost, "gone") }
      return .init(maximum: maximum, present: stored)
    }
  }

  /// Admits rows and holds them until `end` says what became of them.
  private func admit(_ usage: PredictionUsage, _ rows: Int) async throws -> Held {
    let reservation = try await usage.admit(tenant, rows, asking: nil)
    return Held(reservation)
  }

  /// A reservation that can be kept in a list.
  private final class Held: Sendable {
    private let reservation: Mutex<PredictionUsage.Reservation?>

    init(_ reservation: consuming PredictionUsage.Reservation) {
      self.reservation = Mutex(reservation)
    }

    func stored() { reservation.withLock { $0?.stored(in: nil) } }
    func givenUp() { reservation.withLock { $0 = nil } }
  }

  private func until(_ isSo: () -> Bool) async throws {
    for _ in 0..<2_000 where !isSo() { try await Task.sleep(for: .milliseconds(5)) }
    try #require(isSo())
  }

  @Test(.timeLimit(.minutes(1)))
  func theFirstRequestsShareOneLook() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    world.hold()
    let admitted = (0..<16).map { _ in Task { try? await admit(usage, 1) } }
    try await until { world.looks == 1 }
    try await Task.sleep(for: .milliseconds(50))
    world.release()
    var held: [Held] = []
    for each in admitted { if let one = await each.value { held.append(one) } }
    #expect(held.count == 10)
    #expect(world.looks == 1)
  }

  @Test(.timeLimit(.minutes(1)))
  func aLookDoesNotForgetWhatIsNotCommittedYet() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    let early = try await admit(usage, 6)
    world.pass(.seconds(2))
    // The look of the next window sees nothing of it.
    let late = try await admit(usage, 4)
    #expect(world.looks == 2)
    await #expect(throws: DomainError.self) { try await admit(usage, 1) }
    early.givenUp()
    let again = try await admit(usage, 6)
    await #expect(throws: DomainError.self) { try await admit(usage, 1) }
    _ = (late, again)
  }

  @Test(.timeLimit(.minutes(1)))
  func whatIsCommittedDuringALookCountsAfterIt() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    let early = try await admit(usage, 6)
    world.pass(.seconds(2))
    world.hold()
    let looking = Task { try await admit(usage, 1) }
    try await until { world.looks == 2 }
    // The look has looked; then the rows are committed, and others go on by what is known.
    world.store(6)
    early.stored()
    let meanwhile = try await admit(usage, 2)
    world.release()
    let looked = try await looking.value
    _ = try await admit(usage, 1)
    await #expect(throws: DomainError.quotaExceeded(.predictions, maximum: 10, present: 6)) {
      try await admit(usage, 2)
    }
    _ = (meanwhile, looked)
  }

  @Test(.timeLimit(.minutes(1)))
  func overlappingWindowsNeverGoBeyondTheLimit() async throws {
    let world = World(maximum: 500)
    let usage = world.usage
    let stored = try await withThrowingTaskGroup(of: Int.self) { group in
      for writer in 0..<16 {
        group.addTask {
          var stored = 0
          for round in 0..<200 {
            if round % 7 == 0 { world.pass(.milliseconds(400)) }
            guard let held = try? await admit(usage, 1) else { continue }
            await Task.yield()
            if (writer + round) % 3 == 0 {
              held.givenUp()
            } else {
              world.store(1)
              await Task.yield()
              held.stored()
              stored += 1
            }
          }
          return stored
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(stored <= 500)
    // What a look and a commit counted twice is put right by the next look: the limit can be reached.
    world.pass(.seconds(2))
    #expect((try? await admit(usage, 500 - stored)) != nil || stored == 500)
  }

  @Test(.timeLimit(.minutes(1)))
  func aLookThatFailsIsTriedAgain() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    world.fail(true)
    await #expect(throws: PostgreSQLError.self) { try await admit(usage, 1) }
    world.fail(false)
    _ = try await admit(usage, 1)
    world.fail(true)
    world.pass(.seconds(2))
    await #expect(throws: PostgreSQLError.self) { try await admit(usage, 1) }
    // The others go on by what is known.
    _ = try await admit(usage, 9)
    world.fail(false)
    world.pass(.seconds(2))
    _ = try await admit(usage, 10)
  }

  /// Under an Idempotency-Key what becomes of the rows is known when the transaction ends.
  @Test func aTransactionSaysInTheEndWhatBecameOfItsRows() async throws {
    try await TestDomain.with { domain in
      let world = World(maximum: 10)
      let usage = world.usage
      struct Own: Error {}
      let store: @Sendable (Bool) async throws -> Void = { fails in
        try await domain.database.transaction(for: tenant) { tx in
          try await tx.query("SELECT 1")
          var reserved = try await usage.admit(tenant, 6, asking: tx)
          reserved.stored(in: tx)
          await #expect(throws: DomainError.self) { try await admit(usage, 5) }
          if fails { throw Own() }
        }
      }
      await #expect(throws: Own.self) { try await store(true) }
      _ = try await admit(usage, 10)
      try await store(false)
      await #expect(throws: DomainError.quotaExceeded(.predictions, maximum: 10, present: 6)) {
        try await admit(usage, 5)
      }
    }
  }
}
