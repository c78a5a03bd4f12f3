package import Foundation

/// The role of an API key: `admin` ⊃ `write` ⊃ (`read`, `predict`). `read` and `predict` do not include each other.
package enum Role: String, Sendable, Codable, CaseIterable {
  /// Everything, keys included.
  case admin
  /// Datasets, labels, training and models, and all of `read` and `predict`.
  case write
  /// Reading everything but secrets.
  case read
  /// Requesting predictions and labelling them.
  case predict

  /// Whether this role includes `needed`.
  package func includes(_ needed: Role) -> Bool {
    switch (self, needed) {
    case (.admin, _): true
    case (.write, .write), (.write, .read), (.write, .predict): true
    case (.read, .read), (.predict, .predict): true
    default: false
    }
  }
}

/// An API key without its secret.
package struct APIKey: Sendable, Equatable {
  /// The key's id, unique among all keys.
  package var id: Int
  /// The name that the tenant chose.
  package var name: String
  /// Its role.
  package var role: Role
  /// The time of its creation.
  package var createdAt: Date
  /// The time of its last use, to the minute; `nil` for never.
  package var lastUsedAt: Date?
  /// The time from which it is refused; `nil` for never.
  package var expiresAt: Date?
}

/// A new key with its secret, which cannot be read again.
package struct IssuedKey: Sendable {
  /// The key.
  package var key: APIKey
  /// The bearer token, `vd_…`.
  package var secret: KeySecret
}

/// The sender of a request: a tenant by one of its keys.
package struct Principal: Sendable, Equatable {
  /// The tenant.
  package var tenant: TenantID
  /// The key of the request.
  package var keyID: Int
  /// The role of that key.
  package var role: Role
  /// The limits of the tenant.
  package var limits = TenantLimits()
  /// The time from which the key is refused; `nil` for never.
  package var expiresAt: Date?

  /// The principal as an actor of the audit log.
  package var actor: Actor { .key(keyID) }
}
