/// The error of a handler that could not begin or end its work because others hold what it needs, such as a lock.
///
/// The job goes back to the queue for a moment, without using up an attempt, and the worker turns to other jobs meanwhile.
public struct JobPostponed: Error {
  /// The time after which the job may be claimed again.
  public var delay: Duration
  /// The cause, for the log.
  public var cause: any Error

  /// A postponement.
  ///
  /// - Parameters:
  ///   - delay: the time after which the job may be claimed again.
  ///   - cause: the cause, for the log.
  public init(after delay: Duration = .seconds(1), cause: any Error) {
    self.delay = delay
    self.cause = cause
  }
}
