public import Foundation

/// A job that a worker has taken up, with the token that lets it end the job.
public struct Lease: Sendable {
  /// The job as it stood when it was taken up.
  public var job: Job
  /// New for each attempt; known to this worker alone.
  public var token: UUID
}
