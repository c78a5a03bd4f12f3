package import Foundation

/// The internal id of a tenant: the first column of every primary key, never shown in a URL.
package struct TenantID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number as stored.
  package let rawValue: Int32

  /// A tenant's id from its stored number.
  package init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// The number, for logs.
  package var description: String { String(rawValue) }
}

/// An isolated customer, the owner of datasets, API keys and everything below them.
package struct Tenant: Sendable, Equatable {
  /// The internal id.
  package var id: TenantID
  /// The name that the operator chose.
  package var name: String
  /// The time of its creation.
  package var createdAt: Date
}
