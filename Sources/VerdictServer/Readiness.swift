import Logging
import PostgreSQL
import VerdictCore

/// Whether the database is reached and has the schema that this build was made for.
struct Readiness: Sendable {
  let database: Database
  let logger: Logger

  /// - Throws: ``PostgreSQLError`` when the database is out of reach.
  func isMigrated() async throws -> Bool {
    try await database.pool.withConnection { connection in
      try await Migrator(Migrations.all, logger: logger).pending(connection).isEmpty
    }
  }
}
