public import Foundation

/// Who did something.
public enum Actor: Sendable, Equatable {
  /// A request with this key.
  case key(Int)
  /// The operator, at the command line.
  case commandLine
}

/// What is written down of a tenant.
public enum AuditAction: String, Sendable, CaseIterable {
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
public struct AuditEntry: Sendable, Equatable {
  /// Number of the entry within all entries.
  public var id: Int
  /// When the transaction of the act began.
  public var at: Date
  /// Who did it.
  public var actor: Actor
  /// The key's name at that time; `nil` for the command line.
  public var keyName: String?
  /// What was done, an ``AuditAction``.
  public var action: String
  /// To what: `dataset adult`, `key 12`.
  public var target: String
  /// More about it, for people.
  public var detail: String?
}
