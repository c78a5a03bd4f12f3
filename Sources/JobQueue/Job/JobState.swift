/// Where a job stands; docs/jobs.md draws the moves between the states.
public enum JobState: String, Sendable, Codable, CaseIterable {
  /// Waits for its time and for a worker, also between two attempts.
  case queued
  /// A worker holds its lease.
  case running
  /// Ended, with a result.
  case succeeded
  /// Ended, with an error that will not be tried again.
  case failed
  /// Ended on request, or because another job does the same.
  case cancelled

  /// The job has ended and will not move again.
  public var isFinal: Bool { self != .queued && self != .running }
}
