import Synchronization

/// The shared state of one attempt: the handler's progress and the worker's requests to stop. Thread-safe.
final class JobControl: Sendable {
  /// Why an attempt must stop early. The first reason is kept.
  enum StopReason: Sendable {
    case cancelRequested, leaseLost, shutdown
  }

  private struct State {
    var progress: Progress?
    var stopReason: StopReason?
    var isFinished = false
    var handler: Task<Void, any Error>?
  }

  let lease: Lease
  private let state = Mutex(State())

  init(_ lease: Lease) { self.lease = lease }

  var stopReason: StopReason? { state.withLock { $0.stopReason } }

  /// Whether the handler has ended the job itself.
  var isFinished: Bool { state.withLock { $0.isFinished } }

  func markFinished() { state.withLock { $0.isFinished = true } }

  func report(_ progress: Progress) { state.withLock { $0.progress = progress } }

  /// The progress reported since the last call.
  func takeProgress() -> Progress? {
    state.withLock { state in
      defer { state.progress = nil }
      return state.progress
    }
  }

  /// Puts back progress that could not be stored, unless there is newer.
  func restore(_ progress: Progress?) {
    state.withLock { $0.progress = $0.progress ?? progress }
  }

  /// Sets the task to cancel when the attempt must stop early.
  func attach(_ handler: Task<Void, any Error>) {
    let isStopped = state.withLock { state in
      state.handler = handler
      return state.stopReason != nil
    }
    if isStopped { handler.cancel() }
  }

  func stop(_ reason: StopReason) {
    let handler = state.withLock { state in
      state.stopReason = state.stopReason ?? reason
      return state.handler
    }
    handler?.cancel()
  }
}
