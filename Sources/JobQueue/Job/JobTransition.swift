public import Foundation
import PostgreSQL

/// One change of a job's state: an element of the column `moves`.
public struct JobTransition: Sendable, Decodable, Hashable {
  /// The number of the transition's event.
  public var event: Int64
  /// The new state.
  public var state: JobState
  /// The number of the attempt in that state.
  public var attempt: Int
  /// The time.
  public var at: Date

  /// The number of transitions that a job keeps; the oldest ones go.
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
  /// Assignments for an UPDATE of `jobs` that changes the state: the next event, and the transition in `moves`.
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

  /// An SQL expression for an array of one transition.
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
  /// The job as it was right after a transition to a state that is not final.
  ///
  /// The reconstruction is exact: each transition sets progress, phase and times, and no other visible column changes.
  public func asOf(_ transition: JobTransition) -> Job {
    var job = self
    job.event = transition.event
    job.state = transition.state
    job.attempt = transition.attempt
    job.progress = 0
    job.phase = nil
    // Of the last attempt the column `started_at` has the same moment with the full precision.
    let began =
      startedAt.map { abs($0.timeIntervalSince(transition.at)) < 0.001 ? $0 : transition.at } ?? transition.at
    job.startedAt = transition.state == .running ? began : nil
    job.finishedAt = nil
    job.result = nil
    job.error = nil
    job.failures = failures.filter {
      $0.attempt < transition.attempt + (transition.state == .running ? 0 : 1)
    }
    return job
  }
}
