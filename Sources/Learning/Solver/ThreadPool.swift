import CKernels
import Dispatch
import Synchronization

/// A pool of threads for one training.
///
/// A fit makes many short passes, and waking a thread for each takes as long as a pass of a small problem. The helpers spin for
/// about 100 µs after a pass before they sleep.
final class ThreadPool: Sendable {
  /// The number of the last call of `run`.
  private let call = Atomic<Int>(0)
  /// The number of helpers in the current call; negative while none may join.
  private let activeHelpers = Atomic<Int>(ThreadPool.closed)
  private let sleepers = Atomic<Int>(0)
  private let isShutDown = Atomic<Bool>(false)
  private let wakeUp = DispatchSemaphore(value: 0)
  /// The body of the current call. Sound as `nonisolated(unsafe)`: the leader writes it while no helper may join, and helpers read
  /// it after joining. Opening the call releases the write, joining acquires it, and the call closes after all helpers have left.
  private nonisolated(unsafe) var work: ((_ thread: Int) -> Void)?

  private static let closed = -1 << 32
  private static let spinLimit = 1_500

  /// Calls `body` with a pool of `threads` threads, including the calling one, or with nil for a single thread.
  static func with<Result>(threads: Int, _ body: (ThreadPool?) throws -> Result) throws -> Result {
    guard threads > 1 else { return try body(nil) }
    let pool = ThreadPool()
    // Sound: iteration 0 writes it, and it is read after `concurrentPerform` has returned.
    nonisolated(unsafe) var outcome: Swift.Result<Result, any Error>?
    withoutActuallyEscaping(body) { body in
      // Sound because only iteration 0 calls it, and `concurrentPerform` returns after the last iteration.
      // Iterations start in order, so that no helper starts before the leader.
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

  /// Calls `work` with 0 on this thread and, meanwhile, with their own numbers on the helpers that join in time. Returns after all
  /// calls have returned. Only the leader may call it.
  func run(_ work: (_ thread: Int) -> Void) {
    withoutActuallyEscaping(work) { work in
      self.work = work
      activeHelpers.store(0, ordering: .releasing)
      call.add(1, ordering: .sequentiallyConsistent)
      for _ in 0..<sleepers.load(ordering: .sequentiallyConsistent) { wakeUp.signal() }
      work(0)
      wait {
        activeHelpers.compareExchange(expected: 0, desired: Self.closed, ordering: .acquiring).exchanged
      }
      self.work = nil
    }
  }

  private func end() {
    isShutDown.store(true, ordering: .sequentiallyConsistent)
    for _ in 0..<sleepers.load(ordering: .sequentiallyConsistent) { wakeUp.signal() }
  }

  private func help(as thread: Int) {
    var seen = 0
    var idle = 0
    while !isShutDown.load(ordering: .acquiring) {
      let now = call.load(ordering: .acquiring)
      if now != seen {
        seen = now
        idle = 0
        if join() {
          work?(thread)
          activeHelpers.subtract(1, ordering: .releasing)
        }
      } else if idle < Self.spinLimit {
        idle += 1
        ck_pause()
      } else {
        // A call or an end after this line sees a sleeper; an earlier one is seen by the check below.
        sleepers.add(1, ordering: .sequentiallyConsistent)
        if call.load(ordering: .sequentiallyConsistent) == seen,
          !isShutDown.load(ordering: .sequentiallyConsistent)
        {
          wakeUp.wait()
        }
        sleepers.subtract(1, ordering: .sequentiallyConsistent)
        idle = 0
      }
    }
  }

  /// Joins the current call. Returns false if it is closed.
  private func join() -> Bool {
    var count = activeHelpers.load(ordering: .relaxed)
    while count >= 0 {
      let (joined, found) = activeHelpers.weakCompareExchange(
        expected: count, desired: count + 1, ordering: .acquiring)
      if joined { return true }
      count = found
    }
    return false
  }

  /// Spins until the condition holds, and yields the processor if that takes long.
  private func wait(until isDone: () -> Bool) {
    var tries = 0
    while !isDone() {
      tries += 1
      if tries < Self.spinLimit { ck_pause() } else { ck_yield() }
    }
  }
}
