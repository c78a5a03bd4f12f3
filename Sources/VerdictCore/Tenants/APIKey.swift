package import Foundation

/// What a key may do: `admin` ⊃ `write` ⊃ (`read`, `predict`). `read` and `predict` do not contain each other.
package enum Role: String, Sendable, Codable, CaseIterable {
  /// Everything, keys included.
  case admin
  /// Datasets, labels, training and models, and all of `read` and `predict`.
  case write
  /// Reading everything but secrets.
  case read
  /// Asking for predictions and labelling them.
  case predict

  /// Whether a key of this role may do what `needed` may.
  package func includes(_ needed: Role) -> Bool {
    switch (self, needed) {
    case (.admin, _): true
    case (.write, .write), (.write, .read), (.write, .predict): true
    case (.read, .read), (.predict, .predict): true
    default: false
    }
  }
}

/// A tenant's key as it can be shown: all but the secret.
package struct APIKey: Sendable, Equatable {
  /// Number of the key within all keys.
  package var id: Int
  /// The tenant's name for it.
  package var name: String
  /// What it may do.
  package var role: Role
  /// When it was made.
  package var createdAt: Date
  /// When a request last carried it, to the minute; `nil` if never.
  package var lastUsedAt: Date?
  /// From when on it is refused; `nil` for never.
  package var expiresAt: Date?
}

/// A new key with its secret, which nobody can read again.
package struct IssuedKey: Sendable {
  /// The key.
  package var key: APIKey
  /// What the client sends as bearer token, `vd_…`.
  package var secret: KeySecret
}

/// Who makes a request: a tenant through one of its keys.
package struct Principal: Sendable, Equatable {
  /// Whose rows the request is about.
  package var tenant: TenantID
  /// The key that the request carried.
  package var keyID: Int
  /// What that key may do.
  package var role: Role
  /// What the tenant may use.
  package var limits = TenantLimits()
  /// From when on the key is refused; `nil` for never.
  package var expiresAt: Date?

  /// The principal as the doer of something.
  package var actor: Actor { .key(keyID) }
}
