package import Foundation

/// The filter of a list of stored predictions.
package struct PredictionFilter: Sendable, Hashable {
  /// Only those that were labelled afterwards, or only those that were not.
  package var labelled: Bool?
  /// Only those of one model version.
  package var modelVersion: Int?
  /// Only those of the case with this id of the client.
  package var reference: String?
  /// Only those that belong to this group.
  package var group: String?
  /// Only those given at this time or later.
  package var createdFrom: Date?
  /// Only those given before this time.
  package var createdBefore: Date?

  /// All predictions.
  package init() {}
}

/// The order of a list of stored predictions, with the cursor after which a page begins.
package enum PredictionOrder: Sendable, Equatable {
  /// Newest first, from below an id.
  case newest(before: UUID?)
  /// Ascending distance of the probability from the threshold, then ascending id.
  case uncertainty(after: UncertaintyCursor?)

  /// The position of a prediction in the order of uncertainty.
  package struct UncertaintyCursor: Sendable, Equatable {
    /// The distance of the probability from the threshold.
    package var distance: Double
    /// The id, which orders equal distances.
    package var id: UUID

    /// Creates a cursor; see the properties.
    package init(distance: Double, id: UUID) {
      self.distance = distance
      self.id = id
    }
  }
}

extension StoredPrediction {
  /// The prediction's position in the order of uncertainty.
  package var uncertainty: PredictionOrder.UncertaintyCursor {
    .init(distance: abs(probability - threshold), id: id)
  }
}
