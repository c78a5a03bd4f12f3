public import Foundation

/// The internal key of a tenant: first column of every primary key, never shown in a URL.
public struct TenantID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number as stored.
  public let rawValue: Int32

  /// A tenant's key from its stored number.
  public init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// The number, for logs.
  public var description: String { String(rawValue) }
}

/// An isolated customer, owner of datasets, keys and everything below them.
public struct Tenant: Sendable, Equatable {
  /// Internal key.
  public var id: TenantID
  /// The operator's name for it.
  public var name: String
  /// When it was created.
  public var createdAt: Date
}
