public import Foundation
public import PostgreSQL

/// A job to be enqueued.
public struct NewJob: Sendable {
  /// The tenant that owns the job.
  public var tenant: Int32
  /// The object that the job works on: at most one job of a kind runs for a subject at a time.
  public var subject: Int64
  /// The cause of the job in the enqueuer's words.
  public var origin: String
  /// The handler's input.
  public var parameters: JSONB
  /// The earliest start; `nil` for ``delay``.
  public var runAt: Date?
  /// The earliest start, counted from the request by the database's clock.
  public var delay: Duration
  /// Higher ones go first among the jobs of a tenant.
  public var priority: Int16
  /// The number of attempts after which a failure is final, at least 1.
  public var maxAttempts: Int
  /// Whether the request joins the coalesced job that waits for the subject, if there is one. That job takes these
  /// parameters, the earlier of the two times, and as many further attempts as a new job has; a pause after a failure is not
  /// cut short. At most one coalesced job waits for a subject.
  public var coalesce: Bool

  /// A job; see the properties.
  public init(
    tenant: Int32, subject: Int64, origin: String, parameters: JSONB, runAt: Date? = nil,
    delay: Duration = .zero,
    priority: Int16 = 0, maxAttempts: Int = 5, coalesce: Bool = false
  ) {
    self.tenant = tenant
    self.subject = subject
    self.origin = origin
    self.parameters = parameters
    self.runAt = runAt
    self.delay = delay
    self.priority = priority
    self.maxAttempts = max(1, maxAttempts)
    self.coalesce = coalesce
  }
}
