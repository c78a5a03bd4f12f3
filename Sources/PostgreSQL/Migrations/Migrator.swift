public import Logging
#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Applies migrations in order, under an advisory lock, so that any number of processes can start at the same time.
///
/// A migration runs in a transaction, unless it says otherwise (``Migration``). It waits for each lock for `lockTimeout` only,
/// and is then rolled back and retried, because later statements queue behind a waiting ALTER TABLE (manual, 13.3.1).
public struct Migrator: Sendable {
  private let migrations: [Migration]
  private let table: String
  private let adopted: AdoptedHistory?
  private let lockTimeout: Duration
  private let timeout: Duration
  private let logger: Logger

  /// Creates a migrator.
  ///
  /// - Parameters:
  ///   - migrations: all migrations of the program, sorted here by name.
  ///   - table: the table of applied migrations: name, SHA-256 of the text, time, compatibility.
  ///   - adopted: an older history that has made a part of the schema.
  ///   - lockTimeout: how long a migration waits for a lock before it is rolled back and retried.
  ///   - timeout: how long a migration is retried.
  ///   - logger: receives applied and retried migrations.
  public init(
    _ migrations: [Migration], table: String = "schema_migrations", adopting adopted: AdoptedHistory? = nil,
    lockTimeout: Duration = .seconds(1), timeout: Duration = .seconds(600),
    logger: Logger = Logger(label: "postgresql.migrations")
  ) {
    self.migrations = migrations.sorted { $0.name < $1.name }
    self.table = table
    self.adopted = adopted
    self.lockTimeout = lockTimeout
    self.timeout = timeout
    self.logger = logger
  }

  /// Applies the missing migrations and returns the names of those whose SQL ran. A database that a newer, compatible program has migrated lacks none.
  ///
  /// - Throws: ``MigrationError``; ``PostgreSQLError`` if the database is unreachable.
  public func migrate(_ connection: Connection) async throws -> [String] {
    // The table's name determines the key, so that separate histories do not wait for each other.
    let key = "schema migration: \(table)"
    // Polled, because a waiting statement holds a snapshot, whose end CREATE INDEX CONCURRENTLY would wait for.
    while try await connection.query("SELECT pg_try_advisory_lock(hashtextextended(\(key), 0))").first?
      .decode(Bool.self) != true
    {
      try await Task.sleep(for: .milliseconds(100))
    }
    do {
      let applied = try await applyMissing(connection)
      try await connection.query("SELECT pg_advisory_unlock(hashtextextended(\(key), 0))")
      return applied
    } catch {
      // In a task of its own, which is not cancelled: a lock that remains would block all other processes.
      await Task { _ = try? await connection.query("SELECT pg_advisory_unlock(hashtextextended(\(key), 0))") }
        .value
      throw error
    }
  }

  /// The migrations that ``migrate(_:)`` would run, in order, after the same checks.
  ///
  /// - Throws: the errors of ``migrate(_:)``.
  public func pending(_ connection: Connection) async throws -> [Migration] {
    let missing = try check(try await history(in: table, connection), await checksums(connection))
    let adoptable = try await adoptable(connection)
    return missing.filter { !adoptable.contains($0.name) }
  }

  /// Compares the migrations of the database with the program's, by name.
  public func status(_ connection: Connection) async throws -> SchemaStatus {
    status(of: try await history(in: table, connection))
  }

  private func status(of history: [String: Entry]) -> SchemaStatus {
    let known = Set(migrations.map(\.name))
    let applied = history.values.sorted { $0.name < $1.name }
    let names = Set(applied.map(\.name))
    return SchemaStatus(
      applied: applied.map {
        .init(name: $0.name, at: $0.at, isKnown: known.contains($0.name), compatibleWith: $0.compatibleWith)
      },
      pending: migrations.map(\.name).filter { !names.contains($0) }, newest: migrations.last?.name)
  }

  private func applyMissing(_ connection: Connection) async throws -> [String] {
    try await connection.query(
      """
      CREATE TABLE IF NOT EXISTS \(identifier: table) (
        name text PRIMARY KEY,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        compatible_with text)
      """)
    let sums = try await checksums(connection)
    let missing = try check(await history(in: table, connection), sums)
    guard !missing.isEmpty else { return [] }
    let adoptable = try await adoptable(connection)
    try await retryingLocks("history") {
      try await connection.transaction { tx in
        try await tx.query("SET LOCAL lock_timeout = \(unescaped: milliseconds)")
        try await tx.query("ALTER TABLE \(identifier: table) ADD COLUMN IF NOT EXISTS compatible_with text")
      }
    }
    var applied: [String] = []
    for migration in missing {
      let directives = try migration.directives()
      let entry: Query = """
        INSERT INTO \(identifier: table) (name, checksum, compatible_with)
        VALUES (\(migration.name), \(sums[migration.name] ?? ""), \(directives.compatibleWith))
        """
      if adoptable.contains(migration.name) {
        try await connection.query(entry)
        logger.info("migration adopted", metadata: ["name": "\(migration.name)"])
      } else {
        try await apply(migration, directives, entry, connection)
        applied.append(migration.name)
        logger.info("migration applied", metadata: ["name": "\(migration.name)"])
      }
    }
    return applied
  }

  private func apply(
    _ migration: Migration, _ directives: Migration.Directives, _ entry: Query, _ connection: Connection
  ) async throws {
    do {
      try await retryingLocks(migration.name) {
        if directives.isOutsideTransaction {
          // These statements take locks that block neither reads nor writes, and must wait for all older transactions.
          try await connection.query("SET lock_timeout = 0")
          for statement in migration.statements { try await connection.execute(script: statement) }
          try await connection.query(entry)
        } else {
          try await connection.transaction { tx in
            try await tx.query("SET LOCAL lock_timeout = \(unescaped: milliseconds)")
            try await tx.execute(script: migration.sql)
            try await tx.query(entry)
          }
        }
      }
    } catch let error as PostgreSQLError where !error.isConnectionProblem && error.kind != .cancelled {
      throw MigrationError.failed(name: migration.name, underlying: error)
    }
  }

  private var milliseconds: String { String(max(1, Int(lockTimeout / .milliseconds(1)))) }

  /// Retries `body` with growing pauses while locks of other sessions make it roll back.
  private func retryingLocks(
    _ name: String, _ body: nonisolated(nonsending) () async throws -> Void
  ) async throws {
    let deadline = ContinuousClock.now + timeout
    var pause = min(lockTimeout, .seconds(1))
    while true {
      do {
        return try await body()
      } catch let error as PostgreSQLError
        where error.sqlState == .lockNotAvailable || error.sqlState == .deadlockDetected
      {
        guard .now + pause < deadline else { throw MigrationError.locked(name: name, underlying: error) }
        logger.notice(
          "a migration was rolled back after its lock timeout or a deadlock and will be retried",
          metadata: ["name": "\(name)", "after": "\(pause)"])
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(10))
      }
    }
  }
}

extension Migrator {
  /// A row of the table of applied migrations.
  private struct Entry {
    var name: String
    var checksum: String
    var at: Date
    var compatibleWith: String?
  }

  /// The names of the migrations whose counterparts an older history has.
  private func adoptable(_ connection: Connection) async throws -> Set<String> {
    guard let adopted else { return [] }
    let older = try await history(in: adopted.table, connection)
    return Set(adopted.counterparts.filter { older[$0.value] != nil }.keys)
  }

  /// The applied migrations by name; empty if the table does not exist yet.
  private func history(in table: String, _ connection: Connection) async throws -> [String: Entry] {
    let exists = try await connection.query("SELECT to_regclass(\(quotedIdentifier(table))) IS NOT NULL")
    guard try exists.first?.decode(Bool.self) ?? false else { return [:] }
    // A table of an older program lacks the column `compatible_with`.
    let rows = try await connection.query(
      """
      SELECT name, checksum, applied_at, to_jsonb(applied) ->> 'compatible_with'
      FROM \(identifier: table) AS applied
      """)
    var history: [String: Entry] = [:]
    for row in rows {
      let (name, checksum, at, compatibleWith) = try row.decode(
        String.self, String.self, Date.self, String?.self)
      history[name] = Entry(name: name, checksum: checksum, at: at, compatibleWith: compatibleWith)
    }
    return history
  }

  /// The SHA-256 of each migration's text, computed by the server, so that the package needs no library for it.
  private func checksums(_ connection: Connection) async throws -> [String: String] {
    let result = try await connection.query(
      """
      SELECT encode(sha256(convert_to(text, 'UTF8')), 'hex')
      FROM unnest(\(migrations.map(\.sql))) WITH ORDINALITY AS t (text, position) ORDER BY position
      """)
    let sums = try result.map { try $0.decode(String.self) }
    return Dictionary(zip(migrations.map(\.name), sums)) { first, _ in first }
  }

  /// The missing migrations in order. Throws if the histories differ in any other way.
  private func check(_ history: [String: Entry], _ sums: [String: String]) throws -> [Migration] {
    for (one, next) in zip(migrations, migrations.dropFirst()) where one.name == next.name {
      throw MigrationError.duplicateName(one.name)
    }
    if let name = status(of: history).incompatible { throw MigrationError.unknown(name: name) }
    let last = history.keys.max() ?? ""
    var missing: [Migration] = []
    for migration in migrations {
      guard let entry = history[migration.name] else {
        if migration.name < last { throw MigrationError.outOfOrder(name: migration.name, after: last) }
        missing.append(migration)
        continue
      }
      if entry.checksum != sums[migration.name] { throw MigrationError.changed(name: migration.name) }
    }
    return missing
  }
}
