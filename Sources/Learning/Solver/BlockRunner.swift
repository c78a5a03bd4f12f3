import CKernels
import Dispatch
import Synchronization

/// Runs the blocks of a pass on several threads. Blocks are cut by the size of the problem alone and every block
/// writes its own result, so that nothing depends on how many threads there are or which of them was faster.
struct BlockRunner: Sendable {
  let threads: Int
  let instructionSet: ck_isa
  let isCancelled: @Sendable () -> Bool
  /// Who helps; otherwise Dispatch is asked each time.
  var pool: ThreadPool?

  init(
    threads: Int, instructionSet: ck_isa = ck_best_isa(),
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.threads = max(1, threads)
    self.instructionSet = instructionSet
    self.isCancelled = isCancelled
  }

  /// Cuts the rows into blocks of a size, the last one shorter.
  static func blocks(rows: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: rows, by: size).map { $0..<min($0 + size, rows) }
  }

  /// Throws `CancellationError` if the caller wants no more of it.
  func checkCancelled() throws {
    if isCancelled() { throw CancellationError() }
  }

  /// Calls `body` once for each block, on this thread and on others; its second argument tells the threads apart,
  /// 0..<threads. Asks before each block whether the work is still wanted; a body that takes longer than some
  /// milliseconds asks `goesOn` in between and returns early if told so.
  func run(_ count: Int, _ body: (_ block: Int, _ thread: Int, _ goesOn: () -> Bool) -> Void) throws {
    try checkCancelled()
    let workers = min(threads, count)
    let next = Atomic<Int>(0)
    let stopped = Atomic<Bool>(false)
    func goesOn() -> Bool {
      if stopped.load(ordering: .relaxed) { return false }
      guard isCancelled() else { return true }
      stopped.store(true, ordering: .relaxed)
      return false
    }
    func work(_ thread: Int) {
      while true {
        let block = next.add(1, ordering: .relaxed).oldValue
        guard block < count, block == 0 || goesOn() else { return }
        body(block, thread, goesOn)
      }
    }
    if workers <= 1 {
      work(0)
    } else if let pool {
      pool.run { if $0 < workers { work($0) } }
    } else {
      withoutActuallyEscaping(work) { work in
        // Sound because `concurrentPerform` returns only after the last call has, and because the callers of `run`
        // promise that blocks and threads write disjoint memory.
        nonisolated(unsafe) let work = work
        DispatchQueue.concurrentPerform(iterations: workers) { work($0) }
      }
    }
    if stopped.load(ordering: .relaxed) { throw CancellationError() }
  }
}
