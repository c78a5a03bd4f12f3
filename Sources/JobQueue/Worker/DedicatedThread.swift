import Foundation

/// A thread of its own for tasks that must not wait for Swift's global executor, with a timer for one of them.
///
/// The global executor has one thread per core, which a handler that computes or blocks can occupy. `Task.sleep` resumes
/// through that executor too, hence ``resume(_:after:)``.
///
/// `@unchecked Sendable`: `state` is accessed only while `condition` is locked.
final class DedicatedThread: TaskExecutor, @unchecked Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var sleeper: (deadline: ContinuousClock.Instant, continuation: CheckedContinuation<Void, Never>)?
    var isInterrupted = false
    var isStopped = false
  }

  private let condition = NSCondition()
  private var state = State()

  init(name: String) {
    let thread = Thread { [self] in run() }
    thread.name = name
    thread.start()
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    locked { $0.jobs.append(job) }
  }

  /// Resumes the continuation after the duration, or at ``interrupt()``. Only one may wait at a time.
  func resume(_ continuation: CheckedContinuation<Void, Never>, after duration: Duration) {
    let isInterrupted = locked { state in
      if !state.isInterrupted { state.sleeper = (.now + duration, continuation) }
      defer { state.isInterrupted = false }
      return state.isInterrupted
    }
    if isInterrupted { continuation.resume() }
  }

  /// Ends the current pause, or the next one if there is none.
  func interrupt() {
    let sleeper = locked { state in
      defer { state.sleeper = nil }
      if state.sleeper == nil { state.isInterrupted = true }
      return state.sleeper
    }
    sleeper?.continuation.resume()
  }

  /// Ends the thread, on which no task may be left.
  func stop() { locked { $0.isStopped = true } }

  private func locked<T>(_ body: (inout State) -> T) -> T {
    condition.lock()
    defer { condition.unlock() }
    let result = body(&state)
    condition.signal()
    return result
  }

  private func run() {
    while let step = next() {
      switch step {
      case .job(let job): job.runSynchronously(on: asUnownedTaskExecutor())
      case .wake(let continuation): continuation.resume()
      }
    }
  }

  private enum Step {
    case job(UnownedJob)
    case wake(CheckedContinuation<Void, Never>)
  }

  private func next() -> Step? {
    condition.lock()
    defer { condition.unlock() }
    while true {
      if !state.jobs.isEmpty { return .job(state.jobs.removeFirst()) }
      if state.isStopped { return nil }
      guard let sleeper = state.sleeper else {
        condition.wait()
        continue
      }
      let left = sleeper.deadline - .now
      if left <= .zero {
        state.sleeper = nil
        return .wake(sleeper.continuation)
      }
      _ = condition.wait(until: Date(timeIntervalSinceNow: left / .seconds(1)))
    }
  }
}
