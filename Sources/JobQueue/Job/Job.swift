public import Foundation
public import PostgreSQL

/// One job as it stood when it was read.
public struct Job: Sendable {
  /// Whose job it is.
  public var tenant: Int32
  /// Its number; later jobs have higher ones.
  public var id: Int64
  /// What sort of work it is.
  public var kind: String
  /// What it is about: one job of a kind at a time runs for a subject.
  public var subject: Int64
  /// Who wanted it, in the enqueuer's words.
  public var origin: String
  /// Where it stands.
  public var state: JobState
  /// Among the jobs of its tenant, higher ones go first.
  public var priority: Int16
  /// What to do, in the handler's words.
  public var parameters: JSONB
  /// How much of it is done, 0…1.
  public var progress: Double
  /// What is being done, in the handler's words.
  public var phase: String?
  /// The number of the current or last attempt; 0 before the first.
  public var attempt: Int
  /// After so many attempts it fails for good.
  public var maxAttempts: Int
  /// It does not start before.
  public var runAt: Date
  /// Somebody has asked for its end; a running job ends at its next step.
  public var cancelRequested: Bool
  /// What the handler made of it; of a succeeded job.
  public var result: JSONB?
  /// Why it ended without a result.
  public var error: JobErrorRecord?
  /// Why each attempt that failed did, oldest first.
  public var failures: [AttemptFailure]
  /// The number of its newest event: goes up with every move and with every stored progress.
  public var event: Int64
  /// The moves that led here, oldest first, the last ``JobTransition/kept`` of them.
  public var transitions: [JobTransition]
  /// When it was asked for.
  public var createdAt: Date
  /// When the current or last attempt began.
  public var startedAt: Date?
  /// When it ended.
  public var finishedAt: Date?
}

extension Job {
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
