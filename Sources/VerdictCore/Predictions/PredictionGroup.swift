import Foundation
import Learning

/// Answers of one dataset, all from one state of it, on their way into the table.
struct PredictionGroup: Sendable {
  var tenant: TenantID
  var dataset: Int
  /// The revision that the answers were computed from; they are stored only if it is still the current one.
  var revision: Int
  var answers: PredictionAnswers

  var count: Int { answers.count }

  /// What became of a group.
  enum Outcome: Sendable {
    /// Committed, or written in the caller's transaction.
    case stored
    /// The dataset has changed since: compute the answers again.
    case stale
  }
}
