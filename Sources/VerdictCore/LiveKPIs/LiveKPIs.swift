package import Foundation
package import Learning

/// The live KPIs of a model version: those of its labelled predictions, which stand for all of its predictions.
package struct LiveKPIs: Sendable {
  /// The KPIs; undefined where the outcomes of a decision are unknown.
  package var kpis: KPIs
  /// The predictions without a known outcome, by decision, that are old enough to have one.
  package var unlabelled: DecisionCounts
  /// The predictions without a known outcome that are younger than the dataset's `outcome_after_days`.
  package var tooYoung: DecisionCounts
  /// The time from which on cases are measured; `nil` for all.
  package var since: Date?

  /// Why KPIs are undefined; `nil` if no decision lacks outcomes.
  package var reason: String? {
    Self.reason(kpis.confusionMatrix, unknown: unlabelled + tooYoung)
  }

  /// Why the KPIs of a labelled part are undefined.
  ///
  /// - Parameter unknown: the predictions without a known outcome.
  static func reason(_ matrix: ConfusionMatrix, unknown: DecisionCounts) -> String? {
    let labelled = DecisionCounts(matrix)
    let decisions = [false, true].filter { labelled[$0] == 0 && unknown[$0] > 0 }
    guard let first = decisions.first else { return nil }
    guard decisions.count == 1, labelled.total > 0 else {
      return "no outcome is known of \(unknown.total) predictions"
    }
    return "no outcome is known of \(unknown[first]) predictions that were decided \(first ? 1 : 0)"
  }
}
