import Dispatch
import Glibc
import PostgreSQL

/// Threads for CPU-bound work, off Swift's cooperative threads, which must stay free for heartbeats and requests.
///
/// The threads are niced (sched(7), "The nice value"), so that requests stay fast while the work still progresses.
struct BackgroundThreads: Sendable {
  /// The threads of trainings, with about a tenth of the processor share of a request's thread.
  static let trainings = BackgroundThreads("verdict.training", qos: .utility, niceness: 10)
  /// The threads that decode large models, with about a third of the processor share of a request's thread.
  static let models = BackgroundThreads("verdict.models", qos: .userInitiated, niceness: 5)

  /// The threads that compute profiles for requests, with the same share.
  static let profiles = BackgroundThreads("verdict.profiles", qos: .background, niceness: 5)

  private let queue: DispatchQueue
  private let niceness: Int32

  /// - Parameters:
  ///   - label: the name of the threads' queue.
  ///   - qos: the quality of service. Dispatch has separate threads for each, so each use needs one of its own.
  ///   - niceness: the niceness of the threads.
  private init(_ label: String, qos: DispatchQoS, niceness: Int32) {
    queue = DispatchQueue(label: label, qos: qos, attributes: .concurrent)
    self.niceness = niceness
  }

  /// Runs `work` on one of the threads.
  ///
  /// - Returns: the value of `work`.
  /// - Throws: the error of `work`.
  func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        // 0 means the calling thread only (setpriority(2), "C library/kernel differences").
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
        let result = Result(catching: work)
        // A thread inherits the niceness of the one that starts it, and without a privilege never gets rid of it. Dispatch starts
        // a cooperative thread from whichever thread resumes a task. The event loop's thread therefore resumes this one.
        Task.detached(executorPreference: DatabaseExecutor.shared) { continuation.resume(with: result) }
      }
    }
  }
}
