package import Foundation

/// An entry of the history of a dataset's active model.
package struct Promotion: Sendable, Equatable {
  /// The reason for which a model became the active one.
  package enum Reason: String, Sendable, CaseIterable {
    /// A training under the policy `newest`.
    case newest
    /// A training under the policy `best`: the model was not worse than the active one, or there was none.
    case best
    /// A request.
    case manual
    /// The training that follows an erasure, whatever the policy is.
    case erasure
  }

  /// The origin of a promotion.
  package enum Promoter: Sendable, Equatable {
    /// The training with this job.
    case training(Int)
    /// A request or the operator.
    case actor(Actor)
  }

  /// The entry's id, unique among all entries.
  package var id: Int
  /// The start of the transaction.
  package var at: Date
  /// The version that became active, or whose pin changed.
  package var version: Int
  /// The version that was active before; `nil` for none.
  package var previousVersion: Int?
  /// The reason, the raw value of a ``Reason``.
  package var reason: String
  /// Whether no training may replace it.
  package var isPinned: Bool
  /// The origin.
  package var promoter: Promoter
  /// The name of the key at that time.
  package var keyName: String?
  /// The comparison behind a decision by the policy `best`, with its one KPI.
  package var comparison: ActivationComparison?
}
