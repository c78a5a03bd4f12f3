import Logging
import PostgreSQL
import VerdictCore

/// Looks up whether the database is reached and has a schema that this build works with.
struct Readiness: Sendable {
  /// The result of a readiness check.
  struct Report: Sendable {
    /// The schema beside the one that this build carries.
    var schema: SchemaStatus
    /// The database takes no writes: it is a standby, or was told so.
    var isReadOnly: Bool
  }

  let database: Database
  let logger: Logger

  /// - Throws: ``PostgreSQLError`` when the database is out of reach.
  func report() async throws -> Report {
    try await database.pool.withConnection { connection in
      let schema = try await Migrator(Migrations.all, logger: logger).status(connection)
      let isReadOnly = try await connection.query("SELECT current_setting('transaction_read_only') = 'on'")
        .first?.decode(Bool.self)
      return Report(schema: schema, isReadOnly: database.isReadOnly || isReadOnly == true)
    }
  }
}
