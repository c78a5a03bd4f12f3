package import Foundation
import PostgreSQL

/// One training row: feature values and the true outcome.
package struct Label: Sendable, Equatable {
  /// The row's id, unique among all labels.
  package var id: Int
  /// The true outcome.
  package var label: Bool
  /// The feature values.
  package var row: FeatureRow
  /// The client's key of the row.
  package var key: String?
  /// The prediction that the row labels, if any.
  package var predictionID: UUID?
  /// The time of its creation.
  package var createdAt: Date
  /// The time of its last change.
  package var updatedAt: Date

  /// The source of the row.
  package var source: LabelSource { predictionID == nil ? .api : .prediction }
}

/// The source of a training row.
package enum LabelSource: String, Sendable, CaseIterable {
  /// Posted as a label.
  case api
  /// Made from a prediction by its label.
  case prediction
}

/// A filter of labels; all given conditions must hold.
package struct LabelFilter: Sendable, Equatable {
  /// Rows with one of these ids.
  package var ids: [Int]?
  /// Rows with one of these keys.
  package var keys: [String]?
  /// Rows of the case with this id of the client.
  package var reference: String?
  /// Rows that belong to this group.
  package var group: String?
  /// Rows stored before this time.
  package var createdBefore: Date?
  /// Rows of this source.
  package var source: LabelSource?
  /// All rows; an explicit replacement for conditions.
  package var all = false

  /// Creates a filter without conditions, which deletes nothing.
  package init() {}

  /// Whether a condition was given.
  package var isGiven: Bool {
    all || ids != nil || keys != nil || reference != nil || group != nil || createdBefore != nil
      || source != nil
  }

  func condition() -> Query {
    var query: Query = " true"
    if let ids { query = query + " AND l.id = ANY(\(ids))" }
    if let keys { query = query + " AND l.key = ANY(\(keys))" }
    if let reference { query = query + " AND l.reference = \(reference)" }
    if let group { query = query + " AND l.group_name = \(group)" }
    if let createdBefore { query = query + " AND l.created_at < \(createdBefore)" }
    switch source {
    case .api: query = query + " AND l.prediction_id IS NULL"
    case .prediction: query = query + " AND l.prediction_id IS NOT NULL"
    case nil: break
    }
    return query
  }
}
