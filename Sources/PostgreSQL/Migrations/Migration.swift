/// One migration of a schema, applied once and never changed afterwards.
///
/// Lines of its text that begin with `-- migrate:` are directives:
/// - `-- migrate: compatible-with 0013_bounds`: programs whose newest migration is that one or a later one work with the schema
///   after this migration, so that they may continue while they are replaced. Without the directive only programs that know the
///   migration do.
/// - `-- migrate: no-transaction`: the statements run one by one outside of a transaction, as CREATE INDEX CONCURRENTLY requires
///   (manual, CREATE INDEX). Each but the first follows a line `-- migrate: statement`. If one fails, a retry starts again
///   with the first, so that the statements must be repeatable.
public struct Migration: Sendable, Hashable {
  /// The name, which also defines the order: `0001_tenants`.
  public let name: String
  /// One or more statements.
  public let sql: String

  /// Creates a migration from its name and SQL.
  public init(name: String, sql: String) {
    self.name = name
    self.sql = sql
  }
}

extension Migration {
  /// The directives of a migration's text.
  struct Directives: Equatable {
    /// The minimum version of a program that works with the schema after this migration, as the name of its newest migration.
    var compatibleWith: String?
    /// Whether the statements run outside of a transaction, one by one.
    var isOutsideTransaction = false
  }

  private static let prefix = "-- migrate:"

  /// Parses the directives.
  ///
  /// - Throws: ``MigrationError/invalidDirective(name:line:)``.
  func directives() throws -> Directives {
    var directives = Directives()
    for line in sql.split(whereSeparator: \.isNewline) where line.hasPrefix(Self.prefix) {
      let words = line.dropFirst(Self.prefix.count).split(separator: " ").map(String.init)
      switch (words.first, words.count) {
      case ("compatible-with", 2): directives.compatibleWith = words[1]
      case ("no-transaction", 1): directives.isOutsideTransaction = true
      case ("statement", 1): break
      default: throw MigrationError.invalidDirective(name: name, line: String(line))
      }
    }
    return directives
  }

  /// The statements of a migration that runs outside of a transaction, in order.
  var statements: [String] {
    var statements = [""]
    for line in sql.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      if line.hasPrefix(Self.prefix), line.hasSuffix(" statement") {
        statements.append("")
      } else {
        statements[statements.count - 1] += line + "\n"
      }
    }
    return statements
  }
}
