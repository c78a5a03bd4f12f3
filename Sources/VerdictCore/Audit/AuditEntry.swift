package import Foundation

/// The actor of an audited act.
package enum Actor: Sendable, Equatable {
  /// A request with this key.
  case key(Int)
  /// The operator, at the command line.
  case commandLine
}

/// The kinds of acts that the audit log records.
package enum AuditAction: String, Sendable, CaseIterable {
  case tenantCreated = "tenant.created"
  case limitsSet = "limits.set"
  case keyCreated = "key.created"
  case keyRevoked = "key.revoked"
  case datasetCreated = "dataset.created"
  case datasetChanged = "dataset.changed"
  case datasetDeleted = "dataset.deleted"
  case labelsDeleted = "labels.deleted"
  case predictionsDeleted = "predictions.deleted"
  case erasureRequested = "erasure.requested"
  case erasureFinished = "erasure.finished"
  case modelActivated = "model.activated"
  case modelDeleted = "model.deleted"
}

/// One entry of the audit log.
package struct AuditEntry: Sendable, Equatable {
  /// The entry's id, unique among all entries.
  package var id: Int
  /// The start of the act's transaction.
  package var at: Date
  /// The actor.
  package var actor: Actor
  /// The key's name at that time; `nil` for the command line.
  package var keyName: String?
  /// The act, the raw value of an ``AuditAction``.
  package var action: String
  /// The object of the act: `dataset adult`, `key 12`.
  package var target: String
  /// Further details, for people.
  package var detail: String?
}
