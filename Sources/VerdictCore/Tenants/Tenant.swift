package import Foundation

/// The internal key of a tenant: first column of every primary key, never shown in a URL.
package struct TenantID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number as stored.
  package let rawValue: Int32

  /// A tenant's key from its stored number.
  package init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// The number, for logs.
  package var description: String { String(rawValue) }
}

/// An isolated customer, owner of datasets, keys and everything below them.
package struct Tenant: Sendable, Equatable {
  /// Internal key.
  package var id: TenantID
  /// The operator's name for it.
  package var name: String
  /// When it was created.
  package var createdAt: Date
}
