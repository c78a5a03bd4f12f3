import CKernels
import Dispatch
import Synchronization

/// Runs the blocks of a pass on several threads.
///
/// The size of the problem alone determines the blocks, and each block writes its own result, so that results do not depend on
/// the number of threads or their timing.
struct BlockRunner: Sendable {
  let threads: Int
  let instructionSet: ck_isa
  let isCancelled: @Sendable () -> Bool
  /// The threads that help; without a pool Dispatch starts them for each pass.
  var pool: ThreadPool?

  init(
    threads: Int, instructionSet: ck_isa = ck_best_isa(),
    isCancelled: @escaping @Sendable () -> Bool = { false }
  ) {
    self.threads = max(1, threads)
    self.instructionSet = instructionSet
    self.isCancelled = isCancelled
  }

  /// Divides the rows into blocks of a size, the last one shorter.
  static func blocks(rows: Int, size: Int) -> [Range<Int>] {
    stride(from: 0, to: rows, by: size).map { $0..<min($0 + size, rows) }
  }

  /// Throws `CancellationError` if the caller has cancelled.
  func checkCancelled() throws {
    if isCancelled() { throw CancellationError() }
  }

  /// Calls `body` once for each block, on this thread and on others; its second argument identifies the thread, 0..<threads.
  ///
  /// Cancellation is checked before each block. A body that takes longer than a few milliseconds calls its third argument in
  /// between, and returns early if that returns false.
  ///
  /// - Throws: `CancellationError`.
  func run(_ count: Int, _ body: (_ block: Int, _ thread: Int, _ shouldContinue: () -> Bool) -> Void) throws {
    try checkCancelled()
    let workers = min(threads, count)
    let next = Atomic<Int>(0)
    let stopped = Atomic<Bool>(false)
    func shouldContinue() -> Bool {
      if stopped.load(ordering: .relaxed) { return false }
      guard isCancelled() else { return true }
      stopped.store(true, ordering: .relaxed)
      return false
    }
    func work(_ thread: Int) {
      while true {
        let block = next.add(1, ordering: .relaxed).oldValue
        guard block < count, block == 0 || shouldContinue() else { return }
        body(block, thread, shouldContinue)
      }
    }
    if workers <= 1 {
      work(0)
    } else if let pool {
      pool.run { if $0 < workers { work($0) } }
    } else {
      withoutActuallyEscaping(work) { work in
        // Sound because `concurrentPerform` returns after the last call, and because bodies write memory that is disjoint by
        // block and thread.
        nonisolated(unsafe) let work = work
        DispatchQueue.concurrentPerform(iterations: workers) { work($0) }
      }
    }
    if stopped.load(ordering: .relaxed) { throw CancellationError() }
  }
}
