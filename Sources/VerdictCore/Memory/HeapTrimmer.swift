import CMalloc
import Dispatch
import PostgreSQL
import Synchronization

/// Returns freed memory to the system after large work.
///
/// glibc keeps freed memory in the heap of the thread that allocated it, and returns only the end of a heap by itself. A
/// server that has decoded one large model would stay large for ever. `malloc_trim` returns the free pages of all heaps
/// (malloc_trim(3)) and locks one heap at a time meanwhile. It therefore runs at a quiet moment, and at most once in a while.
package final class HeapTrimmer: Sendable {
  /// The trimmer of the process's heaps.
  package static let process = HeapTrimmer { _ = malloc_trim(0) }

  private struct State {
    var bytes = 0
    var lastWork = ContinuousClock.now
    var isScheduled = false
    var lastUrgent: ContinuousClock.Instant?
  }

  private let threshold: Int
  private let quiet: Duration
  private let latest: Duration
  private let trim: @Sendable () -> Void
  private let state = Mutex(State())

  private static let queue = DispatchQueue(label: "verdict.heap", qos: .background)

  /// A trimmer.
  ///
  /// - Parameters:
  ///   - threshold: the number of freed bytes that are worth the work.
  ///   - quiet: how long no large work must have ended before.
  ///   - latest: how long after the first large work it runs in any case.
  ///   - trim: returns the memory.
  init(
    threshold: Int = 16 << 20, quiet: Duration = .seconds(1), latest: Duration = .seconds(10),
    trim: @escaping @Sendable () -> Void
  ) {
    self.threshold = threshold
    self.quiet = quiet
    self.latest = latest
    self.trim = trim
  }

  /// Notes that work has freed about this many bytes, or is about to.
  package func freed(_ bytes: Int) {
    let starts = state.withLock { state in
      state.bytes += bytes
      state.lastWork = .now
      guard state.bytes >= threshold, !state.isScheduled else { return false }
      state.isScheduled = true
      return true
    }
    // Detached, since it works for the whole process. On the event loop's thread, since the caller may be a niced thread
    // (``BackgroundThreads``).
    if starts { Task.detached(executorPreference: DatabaseExecutor.shared) { await self.run() } }
  }

  /// Returns the memory without waiting for a quiet moment, since the process has little left; at most once in such a moment's
  /// time.
  package func urgent() {
    let runs = state.withLock { state in
      let now = ContinuousClock.now
      if let last = state.lastUrgent, now - last < quiet { return false }
      state.lastUrgent = now
      return true
    }
    if runs { Self.queue.async { [trim] in trim() } }
  }

  private func run() async {
    let deadline = ContinuousClock.now + latest
    while true {
      let next = min(deadline, state.withLock { $0.lastWork } + quiet)
      guard next > .now else { break }
      try? await Task.sleep(until: next, clock: .continuous)
    }
    state.withLock { state in
      state.bytes = 0
      state.isScheduled = false
    }
    // Off the cooperative threads, which must stay free for requests.
    Self.queue.async { [trim] in trim() }
  }
}
