public import Foundation
public import PostgreSQL

extension JobQueue {
  /// The size of a queue over all tenants.
  public struct Statistics: Sendable, Equatable {
    /// Waiting jobs, including those that are not due yet.
    public var queued: Int
    /// Running jobs.
    public var running: Int
    /// For how many seconds the longest-waiting job has been due; 0 when none is.
    public var oldestWait: Double
  }

  /// The jobs of one kind that are under way for a subject.
  public struct SubjectActivity: Sendable, Equatable {
    /// Whether a job runs.
    public var isRunning = false
    /// The start of the running job's attempt.
    public var startedAt: Date?
    /// Whether a coalesced job waits.
    public var isWaiting = false

    /// Reads the result of ``JobQueue/activity(tenant:kind:subject:)``.
    public init(_ result: QueryResult) throws {
      for row in result {
        let (state, startedAt) = try row.decode(String.self, Date?.self)
        if state == JobState.running.rawValue {
          isRunning = true
          self.startedAt = startedAt
        } else {
          isWaiting = true
        }
      }
    }
  }
}
