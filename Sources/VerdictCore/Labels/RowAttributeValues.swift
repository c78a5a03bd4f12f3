package import Foundation
package import RowFormats

/// The attributes of one row that are no features; `nil` for those that its client did not give.
package struct RowAttributeValues: Sendable, Equatable {
  /// The client's own id of the case.
  package var reference: String?
  /// The person or thing that the row belongs to.
  package var group: String?
  /// When the case happened.
  package var occurredAt: Date?
  /// How much the row counts; 1 if it is not given.
  package var weight: Double?
  /// Whether the row is fitted on or measured.
  package var split: RowSplit?

  /// No attributes.
  package init() {}
}
