package import Foundation
package import Learning

/// A stored answer.
package struct StoredPrediction: Sendable {
  /// UUID version 7.
  package var id: UUID
  /// When it was given.
  package var createdAt: Date
  /// The version that gave it.
  package var modelVersion: Int
  /// The answer.
  package var label: Bool
  /// The probability of 1.
  package var probability: Double
  /// From which probability on the answer is 1.
  package var threshold: Double
  /// What was asked.
  package var row: FeatureRow
  /// What the model had to remark.
  package var warnings: [PredictionWarning]
  /// What was true, if it was said, and when.
  package var truth: Truth?

  /// What a client said was true.
  package struct Truth: Sendable, Equatable {
    /// The true outcome.
    package var label: Bool
    /// When it was said last.
    package var at: Date
  }
}

/// Which stored predictions a list shows.
package struct PredictionFilter: Sendable {
  /// Only those that were labelled afterwards, or only those that were not.
  package var labelled: Bool?
  /// Only those of one model version.
  package var modelVersion: Int?
  /// Only those given at this time or later.
  package var createdFrom: Date?
  /// Only those given before this time.
  package var createdBefore: Date?

  /// All predictions.
  package init() {}
}

/// In which order a list shows stored predictions, with the place after which a page begins.
package enum PredictionOrder: Sendable, Equatable {
  /// The newest first, those before an id.
  case newest(before: UUID?)
  /// Those first whose probability is nearest to the threshold, after a distance and an id.
  case uncertainty(after: UncertaintyCursor?)

  /// A prediction's place in the order of uncertainty.
  package struct UncertaintyCursor: Sendable, Equatable {
    /// How far the probability is from the threshold.
    package var distance: Double
    /// Among equally uncertain ones the smaller id comes first.
    package var id: UUID

    /// Makes a place; see the properties.
    package init(distance: Double, id: UUID) {
      self.distance = distance
      self.id = id
    }
  }
}

extension StoredPrediction {
  /// Its place in the order of uncertainty.
  package var uncertainty: PredictionOrder.UncertaintyCursor {
    .init(distance: abs(probability - threshold), id: id)
  }
}
