import Foundation
import JobQueue
import PostgreSQL
import Testing

@testable import VerdictCore

/// Checks the rules of CONTRIBUTING.md, "Migrations": servers of the previous version must keep running during a
/// migration.
@Suite struct MigrationRuleTests {
  /// The last migration that predates the rules.
  private static let lastFree = "0013_bounds"
  /// The migration of the job queue that makes its tables.
  private static let queueTables = "0001_job_queue"

  /// Returns the rules that the migration violates.
  ///
  /// - Parameter tables: the tables that existed before the migration.
  private static func violations(of migration: Migration, tables: Set<String>) -> [String] {
    let lines = migration.sql.split(whereSeparator: \.isNewline).map(String.init)
    let code = lines.filter { !$0.hasPrefix("--") }.joined(separator: "\n")
    var found: [String] = []
    if !lines.contains(where: { $0.hasPrefix("-- migrate: compatible-with ") }) {
      found.append("declares no compatibility")
    }
    let isOutside = lines.contains("-- migrate: no-transaction")
    let forbidden = [
      (#"\bDROP\s+(TABLE|COLUMN|TYPE|FUNCTION)\b"#, "removes what an older server uses"),
      (#"\bRENAME\b"#, "renames"),
      (#"\bALTER\s+COLUMN\s+\w+\s+(SET\s+DATA\s+)?TYPE\b"#, "changes a type"),
      (#"\bSET\s+NOT\s+NULL\b"#, "reads a whole table under a lock"),
    ]
    for (pattern, what) in forbidden {
      if code.range(of: pattern, options: [.regularExpression, .caseInsensitive]) != nil {
        found.append(what)
      }
    }
    for statement in code.split(separator: ";") {
      let words = statement.split(whereSeparator: \.isWhitespace).map { $0.lowercased() }
      func names(_ table: String) -> Bool { words.contains { $0 == table || $0.hasPrefix(table + "(") } }
      guard let table = tables.first(where: names) else { continue }
      let isIndex = words.first == "create" && words.prefix(4).contains("index")
      if isIndex, !(words.contains("concurrently") && isOutside) {
        found.append("locks \(table) for an index")
      }
      if words.first == "update" || words.first == "delete" { found.append("changes the rows of \(table)") }
      if words.contains("check"), !statement.lowercased().contains("not valid"), words.first == "alter" {
        found.append("reads \(table) for a check")
      }
    }
    return found
  }

  /// The tables that the migrations before `name` create.
  private static func tables(before name: String) -> Set<String> {
    Set(
      Migrations.all.filter { $0.name < name }.flatMap { migration in
        migration.sql.matches(of: #/(?i)CREATE TABLE (\w+)/#).map { String($0.1).lowercased() }
      })
  }

  @Test func `every migration follows the rules`() {
    for migration in Migrations.all where migration.name > Self.lastFree {
      let found = Self.violations(of: migration, tables: Self.tables(before: migration.name))
      #expect(found.isEmpty, "\(migration.name): \(found)")
    }
  }

  @Test func everyMigrationOfTheQueueFollowsTheRules() {
    let tables: Set = ["jobs", "job_limits"]
    for migration in SchemaMigrator.queueSchema.migrations where migration.name > Self.queueTables {
      let found = Self.violations(of: migration, tables: tables)
      #expect(found.isEmpty, "\(migration.name): \(found)")
    }
  }

  @Test(arguments: [
    ("ALTER TABLE labels ADD COLUMN weight double precision;", []),
    ("CREATE TABLE other (a int); CREATE INDEX other_a ON other (a);", []),
    ("ALTER TABLE labels ADD CONSTRAINT positive CHECK (weight > 0) NOT VALID;", []),
    ("ALTER TABLE labels ADD CONSTRAINT positive CHECK (weight > 0);", ["reads labels for a check"]),
    ("ALTER TABLE labels DROP COLUMN key;", ["removes what an older server uses"]),
    ("ALTER TABLE labels RENAME COLUMN key TO reference;", ["renames"]),
    ("ALTER TABLE labels ALTER COLUMN key TYPE varchar;", ["changes a type"]),
    ("ALTER TABLE labels ALTER COLUMN key SET NOT NULL;", ["reads a whole table under a lock"]),
    ("CREATE INDEX labels_age ON labels (tenant_id, created_at);", ["locks labels for an index"]),
    ("UPDATE labels SET weight = 1;", ["changes the rows of labels"]),
  ])
  func `the rules detect each violation`(sql: String, expected: [String]) {
    let migration = Migration(name: "0014_x", sql: "-- migrate: compatible-with 0013_bounds\n" + sql)
    #expect(Self.violations(of: migration, tables: Self.tables(before: "0014_x")) == expected)
  }

  @Test func `an index on an existing table must be built concurrently`() {
    let index = """
      -- migrate: compatible-with 0013_bounds
      -- migrate: no-transaction
      DROP INDEX CONCURRENTLY IF EXISTS labels_age;
      -- migrate: statement
      CREATE INDEX CONCURRENTLY labels_age ON labels (tenant_id, created_at);
      """
    #expect(Self.violations(of: Migration(name: "0014_x", sql: index), tables: ["labels"]) == [])
    #expect(
      Self.violations(of: Migration(name: "0014_x", sql: "SELECT 1"), tables: [])
        == ["declares no compatibility"])
  }
}
