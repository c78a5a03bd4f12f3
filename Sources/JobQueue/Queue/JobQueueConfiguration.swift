extension JobQueue {
  /// The channels, times and limits of a queue.
  public struct Configuration: Sendable {
    /// How long a worker that renews nothing keeps its job; then the job goes to another worker.
    public var lease: Duration = .seconds(10)
    /// How many jobs of one tenant and this kind run at a time, over all workers.
    public var runningPerTenant = 4
    /// How many workers in a row may die of one job; then it has failed, since it may be what kills them.
    public var mostLosses = 2
    /// The pause before the second attempt; it doubles with each further one.
    public var firstRetryDelay: Duration = .seconds(5)
    /// The longest pause between two attempts.
    public var longestRetryDelay: Duration = .seconds(600)
    /// How long one of the queue's own transactions may take before the database counts as unreachable.
    public var timeout: Duration = .seconds(10)
    /// How long ended jobs are kept; `nil` for ever.
    public var retention: Duration? = .seconds(90 * 86_400)
    /// The channels of the queue's notifications.
    public var channels = Channels()

    /// The default channels, times and limits.
    public init() {}
  }

  /// The channels of the queue's notifications (PostgreSQL manual, NOTIFY). All processes of a queue must use the same.
  public struct Channels: Sendable, Equatable {
    /// Carries the kind when there may be work: a job was queued, brought forward, handed back, or is to be cancelled.
    public var wake: String
    /// Carries `tenant:kind:subject:id:state` when a job has changed state or made progress, the latter at most twice a
    /// second for one job.
    public var events: String

    /// Two channels; see the properties.
    public init(wake: String = "job_queue", events: String = "job_queue_events") {
      self.wake = wake
      self.events = events
    }
  }
}
