import TestSupport
import Testing

@testable import PostgreSQL

/// Tests of the pool's decisions, without connections and without a clock.
@Suite struct PoolStateMachineTests {
  let start = ContinuousClock.now

  func machine(
    minimum: Int = 0, maximum: Int = 2, idle: Duration = .seconds(10), life: Duration = .seconds(100)
  ) -> PoolStateMachine {
    PoolStateMachine(
      .init(minimum: minimum, maximum: maximum, idleTimeout: idle, maxLifetime: life))
  }

  /// A pool whose connections are all open and idle.
  func filled(_ count: Int, minimum: Int = 0, maximum: Int = 2) -> PoolStateMachine {
    var pool = machine(minimum: minimum, maximum: maximum)
    for waiter in 0..<count { _ = pool.acquire(waiter, now: start) }
    for id in 1...count { _ = pool.connected(id, now: start) }
    for id in 1...count { _ = pool.release(id, isUsable: true, now: start) }
    return pool
  }

  @Test func `a pool grows to its maximum and not beyond`() {
    var pool = machine()
    #expect(pool.acquire(1, now: start) == (.waiting, [.connect(1)]))
    #expect(pool.acquire(2, now: start) == (.waiting, [.connect(2)]))
    #expect(pool.acquire(3, now: start) == (.waiting, []))
    #expect(pool.connected(1, now: start) == [.resume(1, 1)])
    #expect(pool.connected(2, now: start) == [.resume(2, 2)])
    #expect(pool.release(1, isUsable: true, now: start) == [.resume(3, 1)])
  }

  @Test func `waiters are served in order`() {
    var pool = machine(maximum: 1)
    for waiter in 1...4 { _ = pool.acquire(waiter, now: start) }
    #expect(pool.connected(1, now: start) == [.resume(1, 1)])
    #expect(pool.cancel(3) == true)
    #expect(pool.release(1, isUsable: true, now: start) == [.resume(2, 1)])
    #expect(pool.release(1, isUsable: true, now: start) == [.resume(4, 1)])
    #expect(pool.release(1, isUsable: true, now: start) == [])
    #expect(pool.idle.map(\.id) == [1])
  }

  @Test func `a cancelled waiter is not resumed twice`() {
    var pool = machine()
    _ = pool.acquire(1, now: start)
    #expect(pool.cancel(1) == true)
    #expect(pool.cancel(1) == false)
    // The connection that was opened for it is kept.
    #expect(pool.connected(1, now: start) == [])
    #expect(pool.acquire(2, now: start) == (.connection(1), []))
    #expect(pool.cancel(2) == false)
  }

  @Test func `the most recently used connection is preferred`() {
    var pool = filled(2)
    #expect(pool.acquire(9, now: start) == (.connection(2), []))
    #expect(pool.release(2, isUsable: true, now: start) == [])
    #expect(pool.acquire(10, now: start) == (.connection(2), []))
  }

  @Test func `a broken connection is replaced for waiters`() {
    var pool = machine(maximum: 1)
    _ = pool.acquire(1, now: start)
    _ = pool.connected(1, now: start)
    _ = pool.acquire(2, now: start)
    #expect(pool.release(1, isUsable: false, now: start) == [.close(1), .connect(2)])
    #expect(pool.connected(2, now: start) == [.resume(2, 2)])
  }

  @Test func `a lost idle connection is removed`() {
    var pool = filled(2)
    #expect(pool.lost(2, now: start) == [])
    #expect(pool.open == 1)
    // A borrowed connection stays with its borrower.
    _ = pool.acquire(5, now: start)
    #expect(pool.lost(1, now: start) == [])
    #expect(pool.inUse == [1])
  }

  @Test func `the idle timeout keeps the minimum`() {
    var pool = filled(3, minimum: 1, maximum: 3)
    #expect(pool.tick(now: start + .seconds(9)) == [])
    #expect(pool.tick(now: start + .seconds(11)) == [.close(1), .close(2)])
    #expect(pool.open == 1)
  }

  @Test func `the lifetime ends at a release or a tick`() {
    var pool = filled(2)
    _ = pool.acquire(1, now: start)
    let late = start + .seconds(101)
    #expect(pool.tick(now: late) == [.close(1)])
    #expect(pool.release(2, isUsable: true, now: late) == [.close(2)])
    #expect(pool.open == 0)
  }

  @Test func `the minimum is kept open`() {
    var pool = machine(minimum: 2)
    #expect(pool.tick(now: start) == [.connect(1), .connect(2)])
    #expect(pool.tick(now: start) == [])
    _ = pool.connected(1, now: start)
    #expect(pool.lost(1, now: start) == [.connect(3)])
  }

  @Test func `an outage fails waiters after three attempts`() {
    var pool = machine()
    _ = pool.acquire(1, now: start)
    let retry = pool.connectFailed(1, isFinal: false, now: start)
    #expect(retry == [.scheduleRetry(start + .milliseconds(50))])
    #expect(pool.retry(now: start + .milliseconds(50)) == [.connect(2)])
    _ = pool.connectFailed(2, isFinal: false, now: start + .milliseconds(50))
    #expect(pool.retry(now: start + .milliseconds(150)) == [.connect(3)])
    #expect(pool.connectFailed(3, isFinal: false, now: start + .milliseconds(150)) == [.fail([1])])
    // Soon after the failure there is no attempt. Later there is another one.
    #expect(pool.acquire(2, now: start + .milliseconds(160)) == (.unavailable, []))
    #expect(pool.acquire(3, now: start + .milliseconds(400)) == (.waiting, [.connect(4)]))
    #expect(pool.connected(4, now: start + .milliseconds(401)) == [.resume(3, 4)])
    #expect(pool.acquire(4, now: start + .milliseconds(402)) == (.waiting, [.connect(5)]))
  }

  /// A server that has returned is reached within a second, however long the outage was.
  @Test func `pauses between attempts are bounded`() {
    var pool = machine()
    var now = start
    for attempt in 1...50 {
      #expect(pool.acquire(attempt, now: now) == (.waiting, [.connect(attempt)]))
      let actions = pool.connectFailed(attempt, isFinal: attempt > 3, now: now)
      for case .scheduleRetry(let time) in actions { #expect(time - now <= .milliseconds(400)) }
      _ = pool.cancel(attempt)
      _ = pool.retry(now: now)
      // The next request may begin the next attempt.
      now += .milliseconds(400)
    }
  }

  @Test func `a wrong password fails at once`() {
    var pool = machine()
    _ = pool.acquire(1, now: start)
    #expect(pool.connectFailed(1, isFinal: true, now: start) == [.fail([1])])
  }

  @Test func `a failure to grow does not fail waiters of a working pool`() {
    var pool = machine()
    _ = pool.acquire(1, now: start)
    _ = pool.connected(1, now: start)
    _ = pool.acquire(2, now: start)
    for id in 2...6 {
      let actions = pool.connectFailed(id, isFinal: false, now: start + .seconds(id))
      guard case .scheduleRetry? = actions.first else {
        Issue.record("expected a retry, not \(actions)")
        return
      }
      #expect(pool.retry(now: start + .seconds(id) + .milliseconds(900)) == [.connect(id + 1)])
    }
    #expect(pool.release(1, isUsable: true, now: start) == [.resume(2, 1)])
  }

  @Test func `shutdown waits for borrowed connections`() {
    var pool = filled(2)
    _ = pool.acquire(1, now: start)
    #expect(pool.shutDown() == [.close(1)])
    #expect(pool.acquire(2, now: start) == (.closed, []))
    #expect(pool.release(2, isUsable: true, now: start) == [.close(2), .shutDownComplete])
  }

  @Test func `shutdown during a connection attempt`() {
    var pool = machine()
    _ = pool.acquire(1, now: start)
    #expect(pool.shutDown() == [.fail([1])])
    #expect(pool.connected(1, now: start) == [.close(1), .shutDownComplete])
  }

  /// Long runs of random events: no connection is lost or lent twice, the maximum holds, and every waiter is resumed
  /// in the end.
  @Test(arguments: 0..<20) func `random events keep the invariants`(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    var pool = machine(minimum: 1, maximum: 3, idle: .seconds(3), life: .seconds(20))
    var now = start
    var connecting: Set<Int> = []
    var held: Set<Int> = []
    var waiting: Set<Int> = []
    var next = 0
    func apply(_ actions: [PoolStateMachine.Action]) {
      for action in actions {
        switch action {
        case .connect(let id): #expect(connecting.insert(id).inserted)
        case .resume(let waiter, let id):
          #expect(waiting.remove(waiter) != nil && held.insert(id).inserted)
        case .fail(let waiters): for waiter in waiters { #expect(waiting.remove(waiter) != nil) }
        case .close(let id): #expect(!held.contains(id))
        case .scheduleRetry, .shutDownComplete: break
        }
      }
    }
    for _ in 0..<3000 {
      now += .milliseconds(Int.random(in: 0...300, using: &random))
      switch Int.random(in: 0..<9, using: &random) {
      case 0, 1, 2:
        next += 1
        waiting.insert(next)
        let (acquired, actions) = pool.acquire(next, now: now)
        if acquired != .waiting { waiting.remove(next) }
        if case .connection(let id) = acquired { #expect(held.insert(id).inserted) }
        apply(actions)
      case 3, 4:
        guard let id = held.randomElement(using: &random) else { continue }
        held.remove(id)
        apply(pool.release(id, isUsable: Int.random(in: 0..<5, using: &random) > 0, now: now))
      case 5:
        guard let id = connecting.randomElement(using: &random) else { continue }
        connecting.remove(id)
        if Bool.random(using: &random) {
          apply(pool.connected(id, now: now))
        } else {
          apply(pool.connectFailed(id, isFinal: false, now: now))
        }
      case 6:
        if let waiter = waiting.randomElement(using: &random), pool.cancel(waiter) { waiting.remove(waiter) }
      case 7: if let entry = pool.idle.randomElement(using: &random) { apply(pool.lost(entry.id, now: now)) }
      default: apply(pool.tick(now: now) + pool.retry(now: now))
      }
      #expect(pool.open + pool.connecting.count <= 3)
      #expect(pool.inUse == held && pool.connecting == connecting && Set(pool.waiting) == waiting)
      #expect(pool.waiting.isEmpty || pool.idle.isEmpty)
    }
    for _ in 0..<10_000 where !waiting.isEmpty {
      now += .seconds(1)
      for id in connecting {
        connecting.remove(id)
        apply(pool.connected(id, now: now))
      }
      for id in held {
        held.remove(id)
        apply(pool.release(id, isUsable: true, now: now))
      }
      apply(pool.tick(now: now) + pool.retry(now: now))
    }
    #expect(waiting.isEmpty)
  }
}
