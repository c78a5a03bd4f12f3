import DomainTestSupport
import PostgreSQL
import Synchronization
import Testing
import TestSupport

@testable import VerdictCore

/// Tests of a process's cached usage of the prediction quota, with a manual clock and a fake database.
@Suite struct PredictionUsageTests {
  private let tenant = TenantID(rawValue: 7)

  /// A fake database that counts look-ups and can delay or fail their responses.
  private final class World: Sendable {
    private struct State {
      var stored = 0
      var lookUps = 0
      var fails = false
    }

    private let clock = ManualClock()
    private let barrier = Barrier()
    private let state = Mutex(State())
    let maximum: Int

    init(maximum: Int) { self.maximum = maximum }

    var usage: PredictionUsage {
      PredictionUsage(clock: { self.clock.now }) { _, _ in try await self.lookUp() }
    }

    var lookUps: Int { state.withLock(\.lookUps) }
    func advance(by duration: Duration) { clock.advance(by: duration) }
    func store(_ rows: Int) { state.withLock { $0.stored += rows } }
    func hold() { barrier.close() }
    func release() { barrier.open() }
    func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }

    private func lookUp() async throws -> QuotaUsage {
      let (stored, fails) = state.withLock { state in
        state.lookUps += 1
        return (state.stored, state.fails)
      }
      await barrier.pass()
      if fails { throw PostgreSQLError(.connectionLost, "gone") }
      return .init(maximum: maximum, present: stored)
    }
  }

  /// Admits rows and holds their reservation until the test ends it.
  private func admit(_ usage: PredictionUsage, _ rows: Int) async throws -> HeldReservation {
    let reservation = try await usage.admit(tenant, rows, asking: nil)
    return HeldReservation(reservation)
  }

  /// A reservation that can be stored in a list.
  private final class HeldReservation: Sendable {
    private let reservation: Mutex<PredictionUsage.Reservation?>

    init(_ reservation: consuming PredictionUsage.Reservation) {
      self.reservation = Mutex(reservation)
    }

    func commit() { reservation.withLock { $0?.stored(in: nil) } }
    func release() { reservation.withLock { $0 = nil } }
  }

  @Test(.timeLimit(.minutes(10)))
  func `the first requests share one look-up`() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    world.hold()
    let admitted = (0..<16).map { _ in Task { try? await admit(usage, 1) } }
    try await eventually { world.lookUps == 1 }
    try await Task.sleep(for: .milliseconds(50))
    world.release()
    var held: [HeldReservation] = []
    for each in admitted { if let one = await each.value { held.append(one) } }
    #expect(held.count == 10)
    #expect(world.lookUps == 1)
  }

  @Test(.timeLimit(.minutes(10)))
  func `a look-up keeps reservations that are not committed yet`() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    let early = try await admit(usage, 6)
    world.advance(by: .seconds(2))
    // The look-up of the next window does not see the uncommitted rows.
    let late = try await admit(usage, 4)
    #expect(world.lookUps == 2)
    await #expect(throws: DomainError.self) { try await admit(usage, 1) }
    early.release()
    let again = try await admit(usage, 6)
    await #expect(throws: DomainError.self) { try await admit(usage, 1) }
    _ = (late, again)
  }

  @Test(.timeLimit(.minutes(10)))
  func `rows committed during a look-up are counted after it`() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    let early = try await admit(usage, 6)
    world.advance(by: .seconds(2))
    world.hold()
    let looking = Task { try await admit(usage, 1) }
    try await eventually { world.lookUps == 2 }
    // The look-up has read the database. Then the rows are committed, and other requests use the cached usage.
    world.store(6)
    early.commit()
    let meanwhile = try await admit(usage, 2)
    world.release()
    let looked = try await looking.value
    _ = try await admit(usage, 1)
    await #expect(throws: DomainError.quotaExceeded(.predictions, maximum: 10, present: 6)) {
      try await admit(usage, 2)
    }
    _ = (meanwhile, looked)
  }

  @Test(.timeLimit(.minutes(10)))
  func `overlapping windows never exceed the limit`() async throws {
    let world = World(maximum: 500)
    let usage = world.usage
    let stored = try await withThrowingTaskGroup(of: Int.self) { group in
      for writer in 0..<16 {
        group.addTask {
          var stored = 0
          for round in 0..<200 {
            if round % 7 == 0 { world.advance(by: .milliseconds(400)) }
            guard let held = try? await admit(usage, 1) else { continue }
            await Task.yield()
            if (writer + round) % 3 == 0 {
              held.release()
            } else {
              world.store(1)
              await Task.yield()
              held.commit()
              stored += 1
            }
          }
          return stored
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(stored <= 500)
    // The next look-up corrects rows that a look-up and a commit counted twice, so the limit can be reached.
    world.advance(by: .seconds(2))
    #expect((try? await admit(usage, 500 - stored)) != nil || stored == 500)
  }

  @Test(.timeLimit(.minutes(10)))
  func `a failed look-up is retried`() async throws {
    let world = World(maximum: 10)
    let usage = world.usage
    world.fail(true)
    await #expect(throws: PostgreSQLError.self) { try await admit(usage, 1) }
    world.fail(false)
    _ = try await admit(usage, 1)
    world.fail(true)
    world.advance(by: .seconds(2))
    await #expect(throws: PostgreSQLError.self) { try await admit(usage, 1) }
    // Other requests use the cached usage.
    _ = try await admit(usage, 9)
    world.fail(false)
    world.advance(by: .seconds(2))
    _ = try await admit(usage, 10)
  }

  /// With an Idempotency-Key, the outcome of the rows is known when the transaction ends.
  @Test func `the end of a transaction settles its reservation`() async throws {
    try await TestDomain.with { domain in
      let world = World(maximum: 10)
      let usage = world.usage
      struct TestError: Error {}
      let store: @Sendable (Bool) async throws -> Void = { fails in
        try await domain.database.transaction(for: tenant) { tx in
          try await tx.query("SELECT 1")
          var reserved = try await usage.admit(tenant, 6, asking: tx)
          reserved.stored(in: tx)
          await #expect(throws: DomainError.self) { try await admit(usage, 5) }
          if fails { throw TestError() }
        }
      }
      await #expect(throws: TestError.self) { try await store(true) }
      _ = try await admit(usage, 10)
      try await store(false)
      await #expect(throws: DomainError.quotaExceeded(.predictions, maximum: 10, present: 6)) {
        try await admit(usage, 5)
      }
    }
  }
}
