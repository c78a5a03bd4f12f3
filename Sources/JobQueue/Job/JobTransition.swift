public import Foundation
import PostgreSQL

/// One move of a job from state to state: an element of the column `moves`.
public struct JobTransition: Sendable, Decodable, Hashable {
  /// The number of the event that it was.
  public var event: Int64
  /// The state that it led to.
  public var state: JobState
  /// The attempt's number in that state.
  public var attempt: Int
  /// When.
  public var at: Date

  /// How many moves of a job are kept.
  public static let kept = 100

  private enum CodingKeys: String, CodingKey {
    case event, state, attempt, at
  }

  /// Reads an element, the time in seconds since 1970.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    event = try values.decode(Int64.self, forKey: .event)
    state = try values.decode(JobState.self, forKey: .state)
    attempt = try values.decode(Int.self, forKey: .attempt)
    at = Date(timeIntervalSince1970: try values.decode(Double.self, forKey: .at))
  }
}

extension JobTransition {
  /// Assignments for an UPDATE of `jobs` that moves the row: its next event, and the move among its moves.
  ///
  /// - Parameters:
  ///   - state: an SQL expression.
  ///   - attempt: an SQL expression, of the columns as they were.
  ///   - time: an SQL expression.
  static func assignments(
    to state: Query, attempt: Query = "jobs.attempt", at time: Query = "clock_timestamp()"
  ) -> Query {
    """
    event = jobs.event + 1,
    moves = CASE WHEN jsonb_array_length(jobs.moves) >= \(kept) THEN jobs.moves - 0 ELSE jobs.moves END
      || \(element(event: "jobs.event + 1", state: state, attempt: attempt, at: time))
    """
  }

  /// An SQL expression for an array of one move.
  static func element(
    event: Query, state: Query, attempt: Query, at time: Query = "clock_timestamp()"
  ) -> Query {
    """
    jsonb_build_array(jsonb_build_object('event', \(event), 'state', \(state), 'attempt', \(attempt),
                                         'at', extract(epoch FROM \(time))))
    """
  }
}

extension Job {
  /// The job as it was when it had made a move to a state that is not final.
  ///
  /// That is known exactly: each move sets progress, phase and times, and nothing else that is shown changes.
  public func asOf(_ move: JobTransition) -> Job {
    var job = self
    job.event = move.event
    job.state = move.state
    job.attempt = move.attempt
    job.progress = 0
    job.phase = nil
    // The same moment, but kept to the microsecond, if it began the attempt that is the last.
    let began = startedAt.map { abs($0.timeIntervalSince(move.at)) < 0.001 ? $0 : move.at } ?? move.at
    job.startedAt = move.state == .running ? began : nil
    job.finishedAt = nil
    job.result = nil
    job.error = nil
    job.failures = failures.filter { $0.attempt < move.attempt + (move.state == .running ? 0 : 1) }
    return job
  }
}
