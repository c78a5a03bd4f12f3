package import Foundation

/// Who did something.
package enum Actor: Sendable, Equatable {
  /// A request with this key.
  case key(Int)
  /// The operator, at the command line.
  case commandLine
}

/// What is written down of a tenant.
package enum AuditAction: String, Sendable, CaseIterable {
  case tenantCreated = "tenant.created"
  case limitsSet = "limits.set"
  case keyCreated = "key.created"
  case keyRevoked = "key.revoked"
  case datasetCreated = "dataset.created"
  case datasetChanged = "dataset.changed"
  case datasetDeleted = "dataset.deleted"
  case labelsDeleted = "labels.deleted"
  case modelActivated = "model.activated"
  case modelDeleted = "model.deleted"
}

/// One act.
package struct AuditEntry: Sendable, Equatable {
  /// Number of the entry within all entries.
  package var id: Int
  /// When the transaction of the act began.
  package var at: Date
  /// Who did it.
  package var actor: Actor
  /// The key's name at that time; `nil` for the command line.
  package var keyName: String?
  /// What was done, an ``AuditAction``.
  package var action: String
  /// To what: `dataset adult`, `key 12`.
  package var target: String
  /// More about it, for people.
  package var detail: String?
}
