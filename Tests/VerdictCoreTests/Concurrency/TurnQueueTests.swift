import Testing

@testable import VerdictCore

/// Tests of the order in which tenants take turns.
@Suite struct TurnQueueTests {
  private let a = TenantID(rawValue: 1)
  private let b = TenantID(rawValue: 2)
  private let c = TenantID(rawValue: 3)

  /// A queue that expectations can change.
  private final class Turns {
    var queue: TurnQueue

    init(limit: Int) { queue = TurnQueue(limit: limit) }

    func enter(_ id: Int, _ tenant: TenantID, _ use: TurnQueue.Use) -> Bool { queue.enter(id, tenant, use) }
    func leave(_ tenant: TenantID) -> Int? { queue.leave(tenant) }
    func abandon(_ id: Int) -> Bool { queue.abandon(id) }
  }

  @Test func `tenants take turns whatever one of them queues`() {
    let turns = Turns(limit: 1)
    #expect(turns.enter(1, a, .request))
    for id in 2...5 { #expect(!turns.enter(id, a, .request)) }
    #expect(!turns.enter(6, b, .request))
    #expect(!turns.enter(7, c, .request))
    var order: [Int] = []
    var tenant = a
    while let next = turns.leave(tenant) {
      order.append(next)
      tenant = next == 6 ? b : next == 7 ? c : a
    }
    #expect(order == [6, 7, 2, 3, 4, 5])
    #expect(turns.queue.running == 0 && turns.queue.waitingCount == 0)
  }

  @Test func `predictions come before other requests`() {
    let turns = Turns(limit: 1)
    #expect(turns.enter(1, a, .request))
    #expect(!turns.enter(2, b, .request))
    #expect(!turns.enter(3, a, .prediction))
    #expect(turns.leave(a) == 3)
    #expect(turns.leave(a) == 2)
    #expect(turns.leave(b) == nil)
  }

  @Test func `one tenant never has all of several places`() {
    let turns = Turns(limit: 3)
    #expect(turns.enter(1, a, .request))
    #expect(turns.enter(2, a, .request))
    #expect(!turns.enter(3, a, .request))
    #expect(turns.enter(4, b, .request))
    #expect(turns.queue.running == 3)
    // The place of the other tenant stays free for a third one.
    #expect(turns.leave(b) == nil)
    #expect(turns.enter(5, c, .request))
    #expect(turns.leave(a) == 3)
  }

  @Test func `an abandoned piece does not run`() {
    let turns = Turns(limit: 1)
    #expect(turns.enter(1, a, .request))
    #expect(!turns.enter(2, b, .request))
    #expect(turns.abandon(2))
    #expect(!turns.abandon(2))
    #expect(!turns.abandon(1))
    #expect(turns.leave(a) == nil)
    #expect(turns.enter(3, b, .request))
  }
}
