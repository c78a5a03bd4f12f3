package import JobQueue
package import Logging
package import PostgreSQL

/// Migrates the whole schema: the product's history (``Migrations``), then the job queue's own.
///
/// Migrations of the queue are shown with the prefix `job_queue/`. Earlier releases made the queue's tables in the product's
/// history, which new databases still run through; the queue's history adopts them.
package struct SchemaMigrator: Sendable {
  /// The queue's tables for the role and the setting of Verdict's other tables.
  package static let queueSchema = JobQueueSchema(role: "verdict_app", tenantSetting: "verdict.tenant")

  /// The product's migration with which the queue's tables were complete.
  private static let adopted = AdoptedHistory(
    table: "schema_migrations", counterparts: ["0001_job_queue": "0010_job_limits"])

  private static let queuePrefix = "job_queue/"

  private let product: Migrator
  private let queue: Migrator

  /// - Parameter timeout: how long a migration is retried while others hold a lock that it needs.
  package init(timeout: Duration = .seconds(600), logger: Logger) {
    product = Migrator(Migrations.all, timeout: timeout, logger: logger)
    queue = Self.queueSchema.migrator(adopting: Self.adopted, timeout: timeout, logger: logger)
  }

  /// Applies the missing migrations of both histories.
  ///
  /// - Returns: the names of the migrations whose SQL ran.
  /// - Throws: ``MigrationError``; ``PostgreSQLError`` if the database does not answer.
  package func migrate(_ connection: Connection) async throws -> [String] {
    let names = try await product.migrate(connection)
    return names + (try await queue.migrate(connection)).map { Self.queuePrefix + $0 }
  }

  /// The migrations that ``migrate(_:)`` would run, in their order.
  ///
  /// - Throws: as ``migrate(_:)`` does.
  package func pending(_ connection: Connection) async throws -> [Migration] {
    let pending = try await product.pending(connection)
    // Once the product's history is complete, the queue's adopts what that has made.
    let ofQueue = try await queue.pending(connection).filter { Self.adopted.counterparts[$0.name] == nil }
    return pending + ofQueue.map { Migration(name: Self.queuePrefix + $0.name, sql: $0.sql) }
  }

  /// Compares the migrations in the database with this build's, by name alone.
  package func status(_ connection: Connection) async throws -> Status {
    Status(product: try await product.status(connection), queue: try await queue.status(connection))
  }

  /// The state of both histories.
  package struct Status: Sendable {
    /// The product's history.
    package var product: SchemaStatus
    /// The queue's history, with unprefixed names.
    package var queue: SchemaStatus

    /// The migrations in the database: the product's in their order, then the queue's.
    package var applied: [SchemaStatus.Applied] {
      product.applied
        + queue.applied.map { migration in
          var migration = migration
          migration.name = queuePrefix + migration.name
          migration.compatibleWith = migration.compatibleWith.map { queuePrefix + $0 }
          return migration
        }
    }

    /// The names of the migrations that the database lacks.
    package var pending: [String] { product.pending + queue.pending.map { queuePrefix + $0 } }

    /// The first migration of a newer version that this build does not work with, if there is one.
    package var incompatible: String? { product.incompatible ?? queue.incompatible.map { queuePrefix + $0 } }

    /// Whether this build works with the database.
    package var isUsable: Bool { product.isUsable && queue.isUsable }
  }
}
