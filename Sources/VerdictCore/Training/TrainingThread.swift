import Dispatch
import Glibc

/// Runs CPU-bound work off Swift's cooperative threads, which must stay free for heartbeats and requests.
enum TrainingThread {
  private static let queue = DispatchQueue(label: "verdict.training", qos: .utility, attributes: .concurrent)

  /// The niceness of training threads. They get about a tenth of the processor share of a request's thread (sched(7),
  /// "The nice value"), so that predictions stay fast and the training still progresses.
  private static let niceness: Int32 = 10

  /// Runs `work` on a background thread and returns its value.
  static func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        // 0 means the calling thread only (setpriority(2), "C library/kernel differences"), and threads that it
        // starts inherit the value. Dispatch has separate threads for each quality of service, and only trainings use
        // this one.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
        continuation.resume(with: Result(catching: work))
      }
    }
  }
}
