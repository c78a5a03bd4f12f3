/// The state of a job; docs/jobs.md draws the transitions.
public enum JobState: String, Sendable, Codable, CaseIterable {
  /// Waiting for its time and for a worker, also between two attempts.
  case queued
  /// Leased by a worker.
  case running
  /// Ended, with a result.
  case succeeded
  /// Ended, with an error that is not retried.
  case failed
  /// Ended on request, or superseded by another job.
  case cancelled

  /// Whether the job has ended.
  public var isFinal: Bool { self != .queued && self != .running }
}
