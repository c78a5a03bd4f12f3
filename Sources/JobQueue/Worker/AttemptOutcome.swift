/// How an attempt of a worker has ended, by what became of the job.
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
  /// Another worker has the job, or will have it: the lease was lost, or the end could not be stored.
  case lost

  /// What a job's new state says of the attempt that led to it.
  ///
  /// - Parameter isHandedBack: a job that is queued again has not failed.
  init(_ state: JobState?, isHandedBack: Bool = false) {
    switch state {
    case .succeeded: self = .succeeded
    case .failed: self = .failed
    case .cancelled: self = .cancelled
    case .queued: self = isHandedBack ? .handedBack : .retried
    case .running, nil: self = .lost
    }
  }
}
