import Dispatch
import Glibc

/// Runs CPU-bound work off Swift's cooperative threads, which must stay free for heartbeats and requests.
enum TrainingThread {
  private static let queue = DispatchQueue(label: "verdict.training", qos: .utility, attributes: .concurrent)

  /// How much a training stands back where others want the processor: a tenth of what a request's thread gets (sched(7),
  /// "The nice value"), so that predictions stay quick beside it and it goes on all the same.
  private static let niceness: Int32 = 10

  /// Runs `work` on a thread of its own and returns its value.
  static func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        // 0 is this thread alone (setpriority(2), "C library/kernel differences"); those that it starts to help inherit it. Dispatch
        // has threads for each quality of service, and nobody else works in this one.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
        continuation.resume(with: Result(catching: work))
      }
    }
  }
}
