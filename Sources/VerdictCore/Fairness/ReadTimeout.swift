package import PostgreSQL

/// A statement of a read took longer than it may.
package struct ReadTimeout: Error, Sendable {
  /// The maximum duration.
  package var limit: Duration
  /// The error with which PostgreSQL cancelled the statement.
  package var underlying: PostgreSQLError

  /// Creates an error; see the properties.
  package init(limit: Duration, underlying: PostgreSQLError) {
    self.limit = limit
    self.underlying = underlying
  }
}
