public import Foundation
public import PostgreSQL

/// A job as it was when it was read.
public struct Job: Sendable {
  /// The tenant that owns the job.
  public var tenant: Int32
  /// The id; later jobs have higher ones.
  public var id: Int64
  /// The kind of work, which selects the queue.
  public var kind: String
  /// The object that the job works on: one job of a kind at a time runs for a subject.
  public var subject: Int64
  /// The cause of the job in the enqueuer's words.
  public var origin: String
  /// The state.
  public var state: JobState
  /// Higher ones go first among the jobs of a tenant.
  public var priority: Int16
  /// The handler's input.
  public var parameters: JSONB
  /// The completed fraction, 0…1.
  public var progress: Double
  /// The current step, in the handler's words.
  public var phase: String?
  /// The number of the current or last attempt; 0 before the first.
  public var attempt: Int
  /// The number of attempts after which a failure is final.
  public var maxAttempts: Int
  /// The earliest start.
  public var runAt: Date
  /// Whether cancellation was requested; a running job ends at its next step.
  public var cancelRequested: Bool
  /// The handler's output, of a succeeded job.
  public var result: JSONB?
  /// The error, of a job that ended without a result.
  public var error: JobErrorRecord?
  /// The failures of attempts, oldest first, the last ``AttemptFailure/kept`` of them.
  public var failures: [AttemptFailure]
  /// The number of the newest event; it rises with every transition and with every stored progress.
  public var event: Int64
  /// The transitions so far, oldest first, the last ``JobTransition/kept`` of them.
  public var transitions: [JobTransition]
  /// When the job was enqueued.
  public var createdAt: Date
  /// The start of the current or last attempt.
  public var startedAt: Date?
  /// The end of the job.
  public var finishedAt: Date?
}

extension Job {
  /// The number of attempts in a row whose workers were lost, up to the last failure.
  var losses: Int { failures.reversed().prefix { $0.type == JobErrorRecord.workerLost.type }.count }

  /// The columns that ``init(_:)`` reads, in its order.
  static let columns: Query = """
    tenant_id, id, kind, subject, origin, state, priority, parameters, progress, phase, attempt, max_attempts, run_at, \
    cancel_requested, result, error, failures, event, moves, created_at, started_at, finished_at
    """

  /// Reads a row that begins with ``columns``.
  init(_ row: Row) throws {
    tenant = try row.decode(at: 0)
    id = try row.decode(at: 1)
    kind = try row.decode(at: 2)
    subject = try row.decode(at: 3)
    origin = try row.decode(at: 4)
    let name = try row.decode(at: 5, as: String.self)
    guard let state = JobState(rawValue: name) else { throw JobQueueError.unknownState(name) }
    self.state = state
    priority = try row.decode(at: 6)
    parameters = try row.decode(at: 7)
    progress = try row.decode(at: 8)
    phase = try row.decode(at: 9)
    attempt = try row.decode(at: 10)
    maxAttempts = try row.decode(at: 11)
    runAt = try row.decode(at: 12)
    cancelRequested = try row.decode(at: 13)
    result = try row.decode(at: 14)
    error = try row.decode(at: 15, as: JSONB?.self)?.decode(JobErrorRecord.self)
    failures = try row.decode(at: 16, as: JSONB.self).decode([AttemptFailure].self)
    event = try row.decode(at: 17)
    transitions = try row.decode(at: 18, as: JSONB.self).decode([JobTransition].self)
    createdAt = try row.decode(at: 19)
    startedAt = try row.decode(at: 20)
    finishedAt = try row.decode(at: 21)
  }
}
