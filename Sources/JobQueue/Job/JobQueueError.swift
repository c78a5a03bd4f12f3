/// Why the queue did not do what it was asked.
public enum JobQueueError: Error, Sendable, Equatable {
  /// There is no such job, or it is not visible to the transaction's tenant.
  case notFound(id: Int64)
  /// The job has ended and cannot be cancelled any more.
  case alreadyFinished(JobState)
  /// The lease ran out and was taken by another worker, or the job has ended: this attempt's work must not be kept.
  case leaseLost(id: Int64)
  /// The job's end was asked for while it ran: this attempt's work must not be kept.
  case cancelRequested(id: Int64)
  /// The table holds a state that this version does not know.
  case unknownState(String)
}
