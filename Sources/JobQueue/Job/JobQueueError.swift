/// The refusals of the queue.
public enum JobQueueError: Error, Sendable, Equatable {
  /// No such job exists, or the transaction's tenant does not see it.
  case notFound(id: Int64)
  /// The job has ended and cannot be cancelled.
  case alreadyFinished(JobState)
  /// The job has another lease or has ended: the attempt's writes must be rolled back.
  case leaseLost(id: Int64)
  /// The job was cancelled while it ran: the attempt's writes must be rolled back.
  case cancelRequested(id: Int64)
  /// The table has a state that this version does not know.
  case unknownState(String)
}
