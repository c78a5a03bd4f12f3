public import Foundation

/// A job that a worker has claimed, with the token that authorizes the worker to end it.
public struct Lease: Sendable {
  /// The job as it was when it was claimed.
  public var job: Job
  /// New for each attempt, and known to this worker alone.
  public var token: UUID
}

/// The renewal of one lease, with the progress to be stored.
struct LeaseRenewal: Sendable {
  var lease: Lease
  /// The progress since the last renewal; `nil` if there is none.
  var progress: Progress?
}

/// The queue's reply to the renewal of a lease.
enum RenewalResult: Sendable {
  /// The lease is renewed.
  case renewed
  /// The lease is renewed, and the attempt is to stop.
  case cancelRequested
  /// The job no longer belongs to this worker.
  case lost
}

/// How far a job has come.
struct Progress: Sendable, Equatable {
  /// 0…1
  var fraction: Double
  /// The current step, in the handler's words.
  var phase: String?
}
