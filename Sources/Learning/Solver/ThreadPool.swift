import CKernels
import Dispatch
import Synchronization

/// Threads that stay together for a whole training. A fit makes many short passes, and waking a thread for each takes as
/// long as the pass of a small problem: here the helpers look for the next pass for some 100 µs before they sleep.
final class ThreadPool: Sendable {
  /// A call of `run` has a number; the last one.
  private let call = Atomic<Int>(0)
  /// Helpers at work in this call; below 0 where no more may join.
  private let gate = Atomic<Int>(ThreadPool.closed)
  private let sleepers = Atomic<Int>(0)
  private let isOver = Atomic<Bool>(false)
  private let bell = DispatchSemaphore(value: 0)
  /// Written by the leader while the gate is closed, read by helpers that have come through it: opening releases what
  /// was written before, joining acquires it, and the gate closes only when all helpers have left.
  private nonisolated(unsafe) var work: ((_ thread: Int) -> Void)?

  private static let closed = -1 << 32
  private static let spinLimit = 1_500

  /// Calls `body` with a team of so many threads, the one that it runs on included.
  static func with<Result>(threads: Int, _ body: (ThreadPool?) throws -> Result) throws -> Result {
    guard threads > 1 else { return try body(nil) }
    let pool = ThreadPool()
    // Written by the iteration 0 and read after `concurrentPerform` has returned.
    nonisolated(unsafe) var outcome: Swift.Result<Result, any Error>?
    withoutActuallyEscaping(body) { body in
      // Sound because only the iteration 0 calls it, and `concurrentPerform` returns after the last has ended.
      // Iterations are handed out in order, so that nobody helps before there is a leader.
      nonisolated(unsafe) let body = body
      DispatchQueue.concurrentPerform(iterations: threads) { thread in
        guard thread == 0 else { return pool.help(as: thread) }
        outcome = Swift.Result { try body(pool) }
        pool.end()
      }
    }
    guard let outcome else { throw CancellationError() }
    return try outcome.get()
  }

  /// Calls `work` with 0 on this thread and, meanwhile, with their own numbers on those helpers that come in time.
  /// Returns when all calls have. The leader's alone to call.
  func run(_ work: (_ thread: Int) -> Void) {
    withoutActuallyEscaping(work) { work in
      self.work = work
      gate.store(0, ordering: .releasing)
      call.add(1, ordering: .sequentiallyConsistent)
      for _ in 0..<sleepers.load(ordering: .sequentiallyConsistent) { bell.signal() }
      work(0)
      wait { gate.compareExchange(expected: 0, desired: Self.closed, ordering: .acquiring).exchanged }
      self.work = nil
    }
  }

  private func end() {
    isOver.store(true, ordering: .sequentiallyConsistent)
    for _ in 0..<sleepers.load(ordering: .sequentiallyConsistent) { bell.signal() }
  }

  private func help(as thread: Int) {
    var seen = 0
    var idle = 0
    while !isOver.load(ordering: .acquiring) {
      let now = call.load(ordering: .acquiring)
      if now != seen {
        seen = now
        idle = 0
        if join() {
          work?(thread)
          gate.subtract(1, ordering: .releasing)
        }
      } else if idle < Self.spinLimit {
        idle += 1
        ck_pause()
      } else {
        // Whoever makes a call or the end after this sees a sleeper; one before is seen here.
        sleepers.add(1, ordering: .sequentiallyConsistent)
        if call.load(ordering: .sequentiallyConsistent) == seen,
          !isOver.load(ordering: .sequentiallyConsistent)
        {
          bell.wait()
        }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        idle = 0
      }
    }
  }

  /// Whether the gate was open.
  private func join() -> Bool {
    var count = gate.load(ordering: .relaxed)
    while count >= 0 {
      let (joined, found) = gate.weakCompareExchange(
        expected: count, desired: count + 1, ordering: .acquiring)
      if joined { return true }
      count = found
    }
    return false
  }

  /// Waits for what takes a moment, and yields where it takes longer.
  private func wait(until isDone: () -> Bool) {
    var tries = 0
    while !isDone() {
      tries += 1
      if tries < Self.spinLimit { ck_pause() } else { ck_yield() }
    }
  }
}
