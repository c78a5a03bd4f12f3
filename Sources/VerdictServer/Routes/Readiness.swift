import Logging
import PostgreSQL
import VerdictCore

/// Checks that the database can be reached and has a schema that this build works with.
struct Readiness: Sendable {
  /// The result of a readiness check.
  struct Report: Sendable {
    /// The database's schema compared with the one of this build.
    var schema: SchemaMigrator.Status
    /// The database is read-only: a standby, or by configuration.
    var isReadOnly: Bool
  }

  let database: Database
  let logger: Logger

  /// Checks once.
  ///
  /// - Throws: ``PostgreSQLError`` if the database cannot be reached.
  func report() async throws -> Report {
    try await database.pool.withConnection { connection in
      let schema = try await SchemaMigrator(logger: logger).status(connection)
      let isReadOnly = try await connection.query("SELECT current_setting('transaction_read_only') = 'on'")
        .first?.decode(Bool.self)
      return Report(schema: schema, isReadOnly: database.isReadOnly || isReadOnly == true)
    }
  }
}
