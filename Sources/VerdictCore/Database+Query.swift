package import PostgreSQL

extension Query.StringInterpolation {
  /// Binds a tenant's number.
  package mutating func appendInterpolation(_ tenant: TenantID) {
    appendInterpolation(tenant.rawValue)
  }
}

extension Query {
  /// The parts, separated by commas.
  static func list(_ parts: [Query]) -> Query {
    parts.dropFirst().reduce(parts.first ?? "") { $0 + ", " + $1 }
  }
}

/// A statement that must answer with exactly one row did not.
package struct UnexpectedRowCount: Error, Sendable {
  /// How many rows came.
  package var count: Int
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
