import HTTPTestSupport
import Testing
import TestSupport
import VerdictCore

@testable import VerdictServer

/// Limits on pooled connections that are held for long.
@Suite struct ConnectionLimiterTests {
  private let one = TenantID(rawValue: 1)
  private let other = TenantID(rawValue: 2)
  private let third = TenantID(rawValue: 3)

  /// Acquires permits until none is free, without waiting.
  private func fill(_ limiter: ConnectionLimiter, _ use: ConnectionLimiter.Use, _ tenant: TenantID) async
    -> [Permit]
  {
    var taken: [Permit] = []
    while let permit = try? await limiter.acquire(use, for: tenant) { taken.append(permit) }
    return taken
  }

  @Test(.timeLimit(.minutes(10))) func streamsGetHalfOfThePoolAndATenantAQuarter() async throws {
    let limiter = ConnectionLimiter(connections: 16) { _ in .zero }
    let first = await fill(limiter, .stream, one)
    #expect(first.count == 4)
    let second = await fill(limiter, .stream, other)
    #expect(second.count == 4)
    #expect(await fill(limiter, .stream, third).isEmpty)
    // Work gets the rest of three quarters of the pool.
    let work = await fill(limiter, .work, third)
    #expect(work.count == 4)
    #expect(limiter.taken == 12)
    await #expect(throws: ConnectionLimiter.Full.self) { try await limiter.acquire(.work, for: one) }
    for permit in first + second + work { permit.release() }
    #expect(limiter.taken == 0)
  }

  @Test(.timeLimit(.minutes(10))) func oneTenantLeavesPermitsForOthers() async {
    let limiter = ConnectionLimiter(connections: 16) { _ in .zero }
    let work = await fill(limiter, .work, one)
    #expect(work.count == 8)
    #expect(await fill(limiter, .stream, other).count == 4)
    work.forEach { $0.release() }
  }

  @Test(.timeLimit(.minutes(10)), arguments: [2, 3, 4, 1_000])
  func everyPoolHasPermitsAndFreeConnections(connections: Int) async {
    let limiter = ConnectionLimiter(connections: connections) { _ in .zero }
    var taken: [Permit] = []
    for tenant in 1...8 { taken += await fill(limiter, .stream, TenantID(rawValue: Int32(tenant))) }
    for tenant in 1...8 { taken += await fill(limiter, .work, TenantID(rawValue: Int32(tenant))) }
    #expect((1..<connections).contains(taken.count))
    taken.forEach { $0.release() }
  }

  @Test(.timeLimit(.minutes(10))) func allWaitingRequestsAreAdmitted() async throws {
    let limiter = ConnectionLimiter(connections: 2) { _ in .seconds(600) }
    let held = try await limiter.acquire(.stream, for: one)
    let (order, came) = AsyncStream<Int>.makeStream()
    let tasks = (0..<3).map { number in
      Task {
        let permit = try await limiter.acquire(.stream, for: number == 1 ? one : other)
        came.yield(number)
        permit.release()
      }
    }
    held.release()
    var seen: Set<Int> = []
    for await number in order {
      seen.insert(number)
      if seen.count == 3 { break }
    }
    for task in tasks { try await task.value }
    #expect(limiter.taken == 0)
  }

  /// The timer of a request must not fire before the request waits.
  @Test(.timeLimit(.minutes(10))) func requestsWithoutPatienceAreRefused() async throws {
    let limiter = ConnectionLimiter(connections: 2) { _ in .zero }
    let held = try await limiter.acquire(.stream, for: one)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<5_000 {
        group.addTask { [other] in
          await #expect(throws: ConnectionLimiter.Full.self) {
            try await limiter.acquire(.stream, for: other)
          }
        }
      }
      try await group.waitForAll()
    }
    held.release()
    #expect(limiter.taken == 0)
  }

  @Test(.timeLimit(.minutes(10))) func unreferencedPermitsAreReleased() async throws {
    let limiter = ConnectionLimiter(connections: 2) { _ in .zero }
    _ = try await limiter.acquire(.stream, for: one)
    #expect(limiter.taken == 0)
    let permit = try await limiter.acquire(.stream, for: one)
    permit.release()
    permit.release()
    #expect(limiter.taken == 0)
  }
}
