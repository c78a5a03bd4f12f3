/// The outcome of a worker's attempt, by the job's new state.
public enum AttemptOutcome: String, Sendable, CaseIterable {
  /// The job has its result.
  case succeeded
  /// The job has failed for good.
  case failed
  /// The job was cancelled.
  case cancelled
  /// The attempt failed, and the job is back in the queue.
  case retried
  /// The worker shut down, and the job is back in the queue.
  case handedBack = "handed_back"
  /// The handler could not get what it needs (``JobPostponed``), and the job is back in the queue.
  case postponed
  /// The lease was lost, or the end could not be stored: another worker has the job or will have it.
  case lost

  /// The outcome of the attempt that led to a state.
  ///
  /// - Parameter requeued: the outcome if the job is in the queue again.
  init(_ state: JobState?, requeued: AttemptOutcome = .retried) {
    switch state {
    case .succeeded: self = .succeeded
    case .failed: self = .failed
    case .cancelled: self = .cancelled
    case .queued: self = requeued
    case .running, nil: self = .lost
    }
  }
}
