package import Foundation
import PostgreSQL
package import RowFormats

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
  /// The attributes of the row that are no features.
  package var attributes = RowAttributeValues()
  /// The prediction that the row labels, if any.
  package var predictionID: UUID?
  /// The time of its creation.
  package var createdAt: Date
  /// The time of its last change.
  package var updatedAt: Date

  /// When the case happened: when the row came, unless the client said otherwise.
  package var occurredAt: Date { attributes.occurredAt ?? createdAt }
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
  /// Rows stored before this time.
  package var createdBefore: Date?
  /// Rows of this source.
  package var source: LabelSource?
  /// Rows of this reference.
  package var reference: String?
  /// Rows of this group.
  package var group: String?
  /// Rows whose case happened at this time or later.
  package var occurredFrom: Date?
  /// Rows whose case happened before this time.
  package var occurredBefore: Date?
  /// Rows of this split.
  package var split: RowSplit?
  /// All rows; an explicit replacement for conditions.
  package var all = false

  /// Creates a filter without conditions, which deletes nothing.
  package init() {}

  /// Whether a condition was given.
  package var isGiven: Bool {
    all || ids != nil || keys != nil || createdBefore != nil || source != nil || hasAttributes
  }

  private var hasAttributes: Bool {
    reference != nil || group != nil || occurredFrom != nil || occurredBefore != nil || split != nil
  }

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
    if let reference { query = query + " AND l.reference = \(reference)" }
    if let group { query = query + " AND l.group_name = \(group)" }
    if let occurredFrom {
      query = query + " AND coalesce(l.occurred_at, l.created_at) >= \(occurredFrom)"
    }
    if let occurredBefore {
      query = query + " AND coalesce(l.occurred_at, l.created_at) < \(occurredBefore)"
    }
    if let split { query = query + " AND l.split = \(split.rawValue)" }
    return query
  }
}
