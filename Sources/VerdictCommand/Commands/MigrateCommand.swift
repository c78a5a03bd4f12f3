import ArgumentParser
import Logging
import PostgreSQL
import VerdictCore

/// Migrates the database to the schema of this version.
struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Apply the migrations that the database lacks.",
    discussion: """
      Needs the role that owns the tables, or a superuser the first time, since it creates the role verdict_app. With \
      VERDICT_APP_PASSWORD set, verdict_app may log in with that password: the role for the server's DATABASE_URL.

      Servers and workers may keep running. A migration waits for a lock for one second at a time, and is rolled back \
      in between.
      """)

  @OptionGroup var database: DatabaseOptions

  @Flag(help: "List the migrations that the database has and lacks, and change nothing.")
  var status = false

  @Flag(help: "Print the SQL that would run, and change nothing.")
  var dryRun = false

  @Flag(help: "With --status: one JSON object.")
  var json = false

  @Option(
    help: "Seconds to keep trying for locks that other sessions hold. [VERDICT_MIGRATE_WAIT; default: 600]")
  var wait: Int?

  func validate() throws {
    guard !(status && dryRun) else { throw ValidationError("--status and --dry-run exclude each other.") }
    guard status || !json else { throw ValidationError("--json requires --status.") }
    guard (0...86_400).contains(try seconds()) else {
      throw ValidationError("--wait must be from 0 to 86400 seconds.")
    }
  }

  func run() async throws {
    let logger = try database.logger(default: .notice)
    if let url = database.url {
      let installation = try Installation(url: url)
      try await run(installation, logger)
      guard !status, !dryRun else { return }
      if let password = Environment.text("verdict.app.password", isSecret: true) {
        try await AppRole.allowLogin(password: password, as: installation.admin, logger: logger)
      }
    } else {
      try await PrivatePostgreSQL.withCluster(in: database.directory, logger: logger) {
        try await run(Installation($0), logger)
      }
    }
  }

  private func seconds() throws -> Int {
    try wait ?? Environment.number("verdict.migrate.wait", default: 600)
  }

  private func run(_ installation: Installation, _ logger: Logger) async throws {
    if status || dryRun {
      try await installation.migrating(logger) { migrator, connection in
        if status {
          try show(try await migrator.status(connection))
        } else {
          let pending = try await migrator.pending(connection)
          for migration in pending { print("-- \(migration.name)\n\(migration.sql)") }
          if pending.isEmpty { print("-- nothing to apply") }
        }
      }
      return
    }
    let applied = try await installation.migrate(timeout: .seconds(try seconds()), logger: logger)
    for name in applied { print("applied \(name)") }
    guard applied.isEmpty else { return }
    let schema = try await installation.migrating(logger) { try await $0.status($1) }
    if let newer = schema.applied.last(where: { !$0.isKnown }) {
      print(
        "nothing to apply; the database has \(newer.name) of a newer version, which this version works with")
    } else {
      print("nothing to apply")
    }
  }

  private func show(_ schema: SchemaMigrator.Status) throws {
    let report = SchemaReport(schema)
    if json { return try Output.json(report) }
    for migration in report.migrations {
      let time = migration.appliedAt.map { "applied \($0)" } ?? "pending"
      print("\(migration.name)  \(time)\(migration.known ? "" : "  of a newer version")")
    }
    print(
      report.usable ? "this version works with the database" : "this version does not work with the database")
  }
}

/// The output of `verdict migrate --status --json`.
private struct SchemaReport: Encodable {
  struct Step: Encodable {
    var name: String
    /// `nil` while it is pending.
    var appliedAt: String?
    /// Whether this version knows the migration.
    var known: Bool
    /// The minimum version that works with the schema after this migration, as the name of its newest migration.
    var compatibleWith: String?

    private enum CodingKeys: String, CodingKey {
      case name, known
      case appliedAt = "applied_at"
      case compatibleWith = "compatible_with"
    }
  }

  var migrations: [Step]
  /// Whether this version works with the database.
  var usable: Bool

  init(_ schema: SchemaMigrator.Status) {
    let applied = schema.applied.map {
      Step(
        name: $0.name, appliedAt: Output.time($0.at), known: $0.isKnown, compatibleWith: $0.compatibleWith)
    }
    let pending = schema.pending.map { Step(name: $0, appliedAt: nil, known: true, compatibleWith: nil) }
    migrations = (applied + pending).sorted { $0.name < $1.name }
    usable = schema.isUsable
  }
}
