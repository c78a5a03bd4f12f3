import TestSupport
import Testing

@testable import PostgreSQL

/// Tests of how the pool shares its connections between owners, without connections and without a clock.
@Suite struct PoolFairnessTests {
  let start = ContinuousClock.now

  /// A pool with all of its connections open and idle.
  func pool(_ maximum: Int) -> PoolStateMachine {
    var pool = PoolStateMachine(
      .init(minimum: 0, maximum: maximum, idleTimeout: .seconds(10), maxLifetime: .seconds(100)))
    for waiter in 0..<maximum { _ = pool.acquire(waiter, now: start) }
    for id in 1...maximum { _ = pool.connected(id, now: start) }
    for id in 1...maximum { _ = pool.release(id, isUsable: true, now: start) }
    return pool
  }

  /// Requests connections for a borrower and returns those that were lent at once.
  func take(
    _ count: Int, _ borrower: Borrower, from pool: inout PoolStateMachine, first: Int
  ) -> [Int] {
    (0..<count).compactMap { index in
      guard case .connection(let id) = pool.acquire(first + index, for: borrower, now: start).0 else {
        return nil
      }
      return id
    }
  }

  @Test func `one owner never has all connections`() {
    var pool = pool(16)
    #expect(take(24, .owner(1), from: &pool, first: 100).count == 12)
    #expect(pool.idle.count == 4)
    // Another owner has the rest but for the reserve, which is left to urgent work and to the process.
    #expect(take(24, .owner(2), from: &pool, first: 200).count == 2)
    #expect(take(1, .owner(3), from: &pool, first: 300).isEmpty)
    #expect(take(1, .urgent(1), from: &pool, first: 400).count == 1)
    #expect(take(1, .process, from: &pool, first: 500).count == 1)
  }

  @Test func `a free connection goes to the owner with the fewest`() {
    var pool = pool(4)
    let first = take(3, .owner(1), from: &pool, first: 100)
    #expect(first.count == 3)
    _ = take(20, .owner(1), from: &pool, first: 110)
    _ = take(2, .owner(2), from: &pool, first: 200)
    _ = take(1, .owner(3), from: &pool, first: 300)
    // Twenty earlier requests of the first owner do not delay the others.
    #expect(pool.release(first[0], isUsable: true, now: start) == [.resume(200, first[0])])
    #expect(pool.release(first[1], isUsable: true, now: start) == [.resume(300, first[1])])
    // Each has one connection now, and the first owner's last turn is the longest ago.
    #expect(pool.release(first[2], isUsable: true, now: start) == [.resume(110, first[2])])
    #expect(pool.release(first[0], isUsable: true, now: start) == [.resume(201, first[0])])
    #expect(pool.release(first[1], isUsable: true, now: start) == [.resume(111, first[1])])
  }

  @Test func `owners with as many connections take turns`() {
    var pool = pool(2)
    let held = take(1, .owner(1), from: &pool, first: 1)
    #expect(held == [2])
    for waiter in 0..<3 {
      for owner in 1...3 { _ = pool.acquire(100 * owner + waiter, for: .owner(owner), now: start) }
    }
    var order: [Int] = []
    for _ in 0..<9 {
      for case .resume(let waiter, _) in pool.release(2, isUsable: true, now: start) { order.append(waiter) }
    }
    #expect(order == [100, 200, 300, 101, 201, 301, 102, 202, 302])
  }

  @Test func `urgent work comes first and finds the reserve`() {
    var pool = pool(8)
    let taken = take(6, .owner(1), from: &pool, first: 100) + take(1, .owner(2), from: &pool, first: 200)
    #expect(taken.count == 7)
    #expect(pool.acquire(300, for: .owner(3), now: start).0 == .waiting)
    #expect(take(1, .urgent(3), from: &pool, first: 400).count == 1)
    _ = pool.acquire(401, for: .urgent(3), now: start)
    _ = pool.acquire(500, for: .process, now: start)
    #expect(pool.release(taken[0], isUsable: true, now: start) == [.resume(500, taken[0])])
    #expect(pool.release(taken[1], isUsable: true, now: start) == [.resume(401, taken[1])])
    #expect(pool.release(taken[2], isUsable: true, now: start) == [.resume(300, taken[2])])
  }

  @Test func `a bound that no longer holds serves the waiter from the idle connections`() {
    var pool = pool(4)
    let taken = take(3, .owner(1), from: &pool, first: 100)
    _ = pool.acquire(110, for: .owner(1), now: start)
    #expect(pool.idle.count == 1)
    // The broken connection is closed, and the idle one is lent in its place.
    let actions = pool.release(taken[0], isUsable: false, now: start)
    #expect(actions == [.close(taken[0]), .resume(110, 1)])
  }

  @Test func `waiters beyond a bound open no connections`() {
    var pool = PoolStateMachine(
      .init(minimum: 0, maximum: 16, idleTimeout: .seconds(10), maxLifetime: .seconds(100)))
    for waiter in 0..<40 { _ = pool.acquire(waiter, for: .owner(1), now: start) }
    #expect(pool.connecting.count == 12)
  }

  @Test func `a cancelled waiter leaves the line and the others keep their places`() {
    var pool = pool(2)
    let held = take(1, .owner(1), from: &pool, first: 1)
    for (waiter, owner) in [(10, 1), (20, 2), (21, 2), (11, 1)] {
      _ = pool.acquire(waiter, for: .owner(owner), now: start)
    }
    let cancelled = [20, 20, 10].map { pool.cancel($0) }
    #expect(cancelled == [true, false, true])
    #expect(pool.waiting == [11, 21])
    #expect(pool.release(held[0], isUsable: true, now: start) == [.resume(11, held[0])])
    #expect(pool.release(held[0], isUsable: true, now: start) == [.resume(21, held[0])])
    #expect(pool.release(held[0], isUsable: true, now: start) == [])
  }

  @Test(arguments: 1...3) func `a small pool serves everybody`(maximum: Int) {
    var pool = pool(maximum)
    var held = take(maximum, .owner(1), from: &pool, first: 100)
    for (waiter, borrower) in [(1, Borrower.owner(2)), (2, .urgent(2)), (3, .process), (4, .owner(1))] {
      let (acquired, _) = pool.acquire(waiter, for: borrower, now: start)
      if case .connection(let id) = acquired { held.append(id) }
    }
    for _ in 0..<20 where !held.isEmpty {
      for case .resume(_, let id) in pool.release(held.removeFirst(), isUsable: true, now: start) {
        held.append(id)
      }
    }
    #expect(pool.waiting.isEmpty && pool.inUse.isEmpty)
  }

  /// Long runs of random events of many owners: the bounds hold, an idle connection is never beside a waiter who may have it, and
  /// every waiter is served in the end.
  @Test(arguments: 0..<20) func `random owners keep the invariants`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let maximum = Int.random(in: 1...17, using: &random)
    var pool = PoolStateMachine(
      .init(minimum: 1, maximum: maximum, idleTimeout: .seconds(3), maxLifetime: .seconds(20)))
    let limits = pool.limits
    var now = start
    var borrowers: [Int: Borrower] = [:]
    var held: [Int: Borrower] = [:]
    var waiting: Set<Int> = []
    var next = 0
    func apply(_ actions: [PoolStateMachine.Action]) {
      for action in actions {
        if case .resume(let waiter, let id) = action {
          #expect(waiting.remove(waiter) != nil && held[id] == nil)
          held[id] = borrowers[waiter]
        }
      }
    }
    for _ in 0..<3000 {
      now += .milliseconds(Int.random(in: 0...100, using: &random))
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1, 2:
        next += 1
        let number = Int.random(in: 0..<9, using: &random)
        let borrower: Borrower = number == 0 ? .process : number < 3 ? .urgent(number) : .owner(number / 2)
        borrowers[next] = borrower
        let (acquired, actions) = pool.acquire(next, for: borrower, now: now)
        if acquired == .waiting { waiting.insert(next) }
        if case .connection(let id) = acquired { held[id] = borrower }
        apply(actions)
      case 3, 4, 5:
        guard let id = held.keys.sorted().randomElement(using: &random) else { continue }
        held[id] = nil
        apply(pool.release(id, isUsable: Int.random(in: 0..<5, using: &random) > 0, now: now))
      case 6:
        guard let id = pool.connecting.sorted().randomElement(using: &random) else { continue }
        apply(pool.connected(id, now: now))
      default:
        if let waiter = waiting.sorted().randomElement(using: &random), pool.cancel(waiter) {
          waiting.remove(waiter)
        }
        apply(pool.tick(now: now))
      }
      var counts: [Borrower: Int] = [:]
      for borrower in held.values { counts[borrower, default: 0] += 1 }
      let shared = counts.reduce(0) { $1.key.isUrgent ? $0 : $0 + $1.value }
      #expect(shared <= limits.shared)
      #expect(counts.allSatisfy { $0.key == .process || $0.value <= limits.perOwner })
      #expect(pool.inUse == Set(held.keys) && Set(pool.waiting) == waiting)
      #expect(
        pool.idle.isEmpty
          || waiting.allSatisfy { waiter in
            guard let borrower = borrowers[waiter], borrower != .process else { return false }
            return counts[borrower] == limits.perOwner || (!borrower.isUrgent && shared == limits.shared)
          })
    }
    for _ in 0..<10_000 where !waiting.isEmpty {
      now += .milliseconds(1)
      for id in pool.connecting.sorted() { apply(pool.connected(id, now: now)) }
      for id in held.keys.sorted() {
        held[id] = nil
        apply(pool.release(id, isUsable: true, now: now))
      }
      apply(pool.tick(now: now) + pool.retry(now: now))
    }
    #expect(waiting.isEmpty)
  }
}
