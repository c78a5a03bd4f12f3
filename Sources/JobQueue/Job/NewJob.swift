public import Foundation
public import PostgreSQL

/// A job to be asked for.
public struct NewJob: Sendable {
  /// Whose job it is.
  public var tenant: Int32
  /// What it is about: at most one job of a kind runs for a subject at a time.
  public var subject: Int64
  /// Who wants it, in the enqueuer's words.
  public var origin: String
  /// What to do, in the handler's words.
  public var parameters: JSONB
  /// Not before; `nil` for ``delay``.
  public var runAt: Date?
  /// Not before so long after the request, by the database's clock.
  public var delay: Duration
  /// Among the jobs of its tenant, higher ones go first.
  public var priority: Int16
  /// After so many attempts it fails for good, at least 1.
  public var maxAttempts: Int
  /// At most one coalesced job waits for a subject: if there is one, it takes these parameters and the earlier of the
  /// two times, and no new one is made. It has as many further attempts as a new one, since it has something new to do,
  /// but a pause after a failure is not cut short.
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
