package import PostgreSQL

extension Query.StringInterpolation {
  /// Binds a tenant's id.
  package mutating func appendInterpolation(_ tenant: TenantID) {
    appendInterpolation(tenant.rawValue)
  }
}

extension Query {
  /// Joins parts with commas.
  static func list(_ parts: [Query]) -> Query {
    parts.dropFirst().reduce(parts.first ?? "") { $0 + ", " + $1 }
  }
}

/// A statement that must return exactly one row returned another number.
package struct UnexpectedRowCount: Error, Sendable {
  /// The number of rows.
  package var count: Int
}

extension QueryResult {
  /// Returns the only row of the result.
  ///
  /// - Throws: ``UnexpectedRowCount``.
  func single() throws -> Row {
    guard count == 1, let row = first else { throw UnexpectedRowCount(count: count) }
    return row
  }
}
