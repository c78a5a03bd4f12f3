import Foundation
import Learning

/// Predictions of one dataset, all computed from one revision, to be stored together.
struct PredictionGroup: Sendable {
  var tenant: TenantID
  var dataset: Int
  /// The revision that they were computed from; they are stored only while it is the current one.
  var revision: Int
  var answers: PredictionAnswers

  var count: Int { answers.count }

  /// The result of storing a group.
  enum Outcome: Sendable {
    /// Committed, or inserted in the caller's transaction.
    case stored
    /// The dataset has changed; the predictions must be computed again.
    case stale
  }
}
