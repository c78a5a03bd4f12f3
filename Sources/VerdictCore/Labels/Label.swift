package import Foundation
import PostgreSQL

/// One training row: what was seen, and what was true.
package struct Label: Sendable, Equatable {
  /// Number of the row, unique within all labels.
  package var id: Int
  /// The true outcome.
  package var label: Bool
  /// The feature values.
  package var row: FeatureRow
  /// The client's own name for the row.
  package var key: String?
  /// The prediction that this row labels, if it came from one.
  package var predictionID: UUID?
  /// When it was first stored.
  package var createdAt: Date
  /// When it was last changed.
  package var updatedAt: Date

  /// Where the row came from.
  package var source: LabelSource { predictionID == nil ? .api : .prediction }
}

/// Where a training row came from.
package enum LabelSource: String, Sendable, CaseIterable {
  /// Posted as a label.
  case api
  /// A prediction that was labelled afterwards.
  case prediction
}

/// Which labels a deletion is about. All that is given must hold.
package struct LabelFilter: Sendable, Equatable {
  /// Rows with one of these numbers.
  package var ids: [Int]?
  /// Rows with one of these keys.
  package var keys: [String]?
  /// Rows stored before this time.
  package var createdBefore: Date?
  /// Rows that came from there.
  package var source: LabelSource?
  /// All rows: the only way to name no condition.
  package var all = false

  /// A filter without a condition, which deletes nothing until one is set.
  package init() {}

  /// Whether a condition was given at all.
  package var isGiven: Bool { all || ids != nil || keys != nil || createdBefore != nil || source != nil }

  func condition() -> Query {
    var query: Query = " true"
    if let ids { query = query + " AND l.id = ANY(\(ids))" }
    if let keys { query = query + " AND l.key = ANY(\(keys))" }
    if let createdBefore { query = query + " AND l.created_at < \(createdBefore)" }
    switch source {
    case .api: query = query + " AND l.prediction_id IS NULL"
    case .prediction: query = query + " AND l.prediction_id IS NOT NULL"
    case nil: break
    }
    return query
  }
}
