/// One step of a schema's history: applied once, never changed afterwards.
public struct Migration: Sendable, Hashable {
  /// The name, which also is the order: `0001_tenants`.
  public let name: String
  /// One or more statements; they run in one transaction.
  public let sql: String

  /// A step with its SQL.
  public init(name: String, sql: String) {
    self.name = name
    self.sql = sql
  }
}

/// Why the history in the database and the one in the program do not fit together.
public enum MigrationError: Error, Sendable {
  /// Two migrations have this name.
  case duplicateName(String)
  /// The migration was applied with another text than it has now.
  case changed(name: String)
  /// The database has a migration that the program does not know.
  case unknown(name: String)
  /// This migration is missing in the database, though a later one has been applied.
  case outOfOrder(name: String, after: String)
  /// The migration's own SQL failed; nothing of it has been applied.
  case failed(name: String, underlying: PostgreSQLError)
}
