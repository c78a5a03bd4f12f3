import Synchronization

/// One attempt inside its worker: what the handler reports and what it is told, each from and to any thread.
final class JobControl: Sendable {
  /// Why an attempt is to end early. The first reason stays.
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

  /// The handler has ended the job itself.
  var isFinished: Bool { state.withLock { $0.isFinished } }

  func markFinished() { state.withLock { $0.isFinished = true } }

  func report(_ progress: Progress) { state.withLock { $0.progress = progress } }

  /// What was reported since the last call.
  func takeProgress() -> Progress? {
    state.withLock { state in
      defer { state.progress = nil }
      return state.progress
    }
  }

  /// Puts back what could not be stored, unless there is newer.
  func restore(_ progress: Progress?) {
    state.withLock { $0.progress = $0.progress ?? progress }
  }

  /// The task to cancel when the attempt is to end early.
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
