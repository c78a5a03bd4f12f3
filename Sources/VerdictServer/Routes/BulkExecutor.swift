import Dispatch
import Glibc
import Hummingbird
import PostgreSQL

/// The threads of requests about many rows, apart from Swift's cooperative threads, which single predictions need at once.
///
/// A part of a large batch takes a thread for milliseconds. Were it to take one of the cooperative threads, of which there are as many
/// as processors, a few clients with batches would keep every other request waiting for its turn.
final class BulkExecutor: TaskExecutor {
  /// The executor of the process.
  static let process = BulkExecutor()

  /// The niceness of the threads. They get about a third of the processor share of a single prediction's thread while both want
  /// all of it (sched(7), "The nice value"), and more than a training.
  private static let niceness: Int32 = 5

  private let queue = DispatchQueue(label: "verdict.bulk", qos: .background, attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async {
      // 0 means the calling thread only (setpriority(2), "C library/kernel differences"). Dispatch has separate threads for each
      // quality of service, and no urgent work uses this one.
      _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, Self.niceness)
      job.runSynchronously(on: self.asUnownedTaskExecutor())
    }
  }

  /// Runs a handler, and later the writing of a large or streamed body of its response, on the threads of the executor.
  ///
  /// Not inlined, so that the frames of single predictions stay small.
  @inline(never)
  func respond(_ handler: () async throws -> Response) async throws -> Response {
    var response = try await perform(handler)
    if let length = response.body.contentLength, length <= Self.smallBody { return response }
    response.body = ResponseBody(contentLength: response.body.contentLength) {
      [self, body = response.body] output in
      try await perform { try await body.write(output) }
    }
    return response
  }

  /// Runs work on the threads of the executor.
  ///
  /// Dispatch starts a cooperative thread from whichever thread enqueues a task there, and the new thread inherits its niceness. The
  /// work therefore returns by way of the event loop's thread.
  private func perform<T>(_ work: () async throws -> T) async throws -> T {
    try await withTaskExecutorPreference(DatabaseExecutor.shared) {
      try await withTaskExecutorPreference(self, operation: work)
    }
  }

  /// The size in bytes up to which a body that has been built is written without a change of threads.
  private static let smallBody = 64 << 10
}
