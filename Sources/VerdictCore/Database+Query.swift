public import PostgreSQL

extension Query.StringInterpolation {
  /// Binds a tenant's number.
  public mutating func appendInterpolation(_ tenant: TenantID) {
    appendInterpolation(tenant.rawValue)
  }
}

/// A statement that must answer with exactly one row did not.
public struct UnexpectedRowCount: Error, Sendable {
  /// How many rows came.
  public var count: Int
}

extension QueryResult {
  /// The only row of the result.
  ///
  /// - Throws: ``UnexpectedRowCount``.
  func single() throws -> Row {
    guard count == 1, let row = first else { throw UnexpectedRowCount(count: count) }
    return row
  }
}
