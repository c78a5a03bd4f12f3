public import Logging

/// Applies migrations in order, each in a transaction of its own, under an advisory lock: any number of
/// processes may start at the same time.
public struct Migrator: Sendable {
  private let migrations: [Migration]
  private let table: String
  private let logger: Logger

  /// Sorts the migrations by name. The table keeps what has been applied: name, SHA-256 of the text, time.
  public init(
    _ migrations: [Migration], table: String = "schema_migrations",
    logger: Logger = Logger(label: "postgresql.migrations")
  ) {
    self.migrations = migrations.sorted { $0.name < $1.name }
    self.table = table
    self.logger = logger
  }

  /// Applies what is missing and returns the names. Throws a ``MigrationError``, or a ``PostgreSQLError`` if
  /// the database does not answer.
  public func migrate(_ connection: Connection) async throws -> [String] {
    // The lock's key is derived from the table's name, so that two histories do not wait for each other.
    let key = "schema migration: \(table)"
    try await connection.query("SELECT pg_advisory_lock(hashtextextended(\(key), 0))")
    do {
      let applied = try await apply(connection)
      try await connection.query("SELECT pg_advisory_unlock(hashtextextended(\(key), 0))")
      return applied
    } catch {
      // Not cancellable: a lock that stays would hold up every other process.
      await Task { _ = try? await connection.query("SELECT pg_advisory_unlock(hashtextextended(\(key), 0))") }
        .value
      throw error
    }
  }

  /// The names of the migrations that are missing in the database. Throws as ``migrate(_:)`` does.
  public func pending(_ connection: Connection) async throws -> [String] {
    let exists = try await connection.query("SELECT to_regclass(\(quotedIdentifier(table))) IS NOT NULL")
    let isNew = try !(exists.first?.decode(Bool.self) ?? false)
    let applied = isNew ? [:] : try await history(connection)
    return try check(applied, await checksums(connection)).map(\.name)
  }

  private func apply(_ connection: Connection) async throws -> [String] {
    try await connection.query(
      """
      CREATE TABLE IF NOT EXISTS \(identifier: table) (
        name text PRIMARY KEY,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now())
      """)
    var names: [String] = []
    let sums = try await checksums(connection)
    for migration in try check(await history(connection), sums) {
      try await apply(migration, sums[migration.name] ?? "", connection)
      logger.info("migration applied", metadata: ["name": "\(migration.name)"])
      names.append(migration.name)
    }
    return names
  }

  private func apply(_ migration: Migration, _ checksum: String, _ connection: Connection) async throws {
    do {
      try await connection.transaction { transaction in
        try await transaction.execute(script: migration.sql)
        try await transaction.query(
          "INSERT INTO \(identifier: table) (name, checksum) VALUES (\(migration.name), \(checksum))")
      }
    } catch let error as PostgreSQLError where !error.isConnectionProblem && error.kind != .cancelled {
      throw MigrationError.failed(name: migration.name, underlying: error)
    }
  }
}

extension Migrator {
  /// Name and checksum of what has been applied.
  private func history(_ connection: Connection) async throws -> [String: String] {
    var history: [String: String] = [:]
    for row in try await connection.query("SELECT name, checksum FROM \(identifier: table)") {
      let (name, checksum) = try row.decode(String.self, String.self)
      history[name] = checksum
    }
    return history
  }

  /// The texts' SHA-256, from the server: it has the function, and this package needs no other use of it.
  private func checksums(_ connection: Connection) async throws -> [String: String] {
    let result = try await connection.query(
      """
      SELECT encode(sha256(convert_to(text, 'UTF8')), 'hex')
      FROM unnest(\(migrations.map(\.sql))) WITH ORDINALITY AS t (text, position) ORDER BY position
      """)
    let sums = try result.map { try $0.decode(String.self) }
    return Dictionary(zip(migrations.map(\.name), sums)) { first, _ in first }
  }

  /// What is missing, in order; throws if the two histories differ in anything else.
  private func check(_ history: [String: String], _ sums: [String: String]) throws -> [Migration] {
    for (one, next) in zip(migrations, migrations.dropFirst()) where one.name == next.name {
      throw MigrationError.duplicateName(one.name)
    }
    let known = Set(migrations.map(\.name))
    if let unknown = history.keys.filter({ !known.contains($0) }).min() {
      throw MigrationError.unknown(name: unknown)
    }
    let last = history.keys.max() ?? ""
    var missing: [Migration] = []
    for migration in migrations {
      guard let checksum = history[migration.name] else {
        if migration.name < last { throw MigrationError.outOfOrder(name: migration.name, after: last) }
        missing.append(migration)
        continue
      }
      if checksum != sums[migration.name] { throw MigrationError.changed(name: migration.name) }
    }
    return missing
  }
}
