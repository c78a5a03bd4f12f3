/// One step of a schema's history: applied once, never changed afterwards.
///
/// Lines of its text that begin with `-- migrate:` say how it is applied:
/// - `-- migrate: compatible-with 0013_bounds`: programs whose newest migration is that one, or a later one, work with the
///   schema after this migration, so that they may go on while they are replaced. Without it, none but those that know it do.
/// - `-- migrate: no-transaction`: its statements run one by one outside of a transaction, as CREATE INDEX CONCURRENTLY must
///   (manual, CREATE INDEX), each after a line `-- migrate: statement` but the first. They are run again from the first on
///   if one of them fails, and must allow for that.
public struct Migration: Sendable, Hashable {
  /// The name, which also is the order: `0001_tenants`.
  public let name: String
  /// One or more statements.
  public let sql: String

  /// A step with its SQL.
  public init(name: String, sql: String) {
    self.name = name
    self.sql = sql
  }
}

extension Migration {
  /// The directives of a migration's text.
  struct Directives: Equatable {
    /// The oldest migration that a program may have as its newest and work with the schema after this one.
    var compatibleWith: String?
    /// Its statements run outside of a transaction, one by one.
    var isOutsideTransaction = false
  }

  private static let prefix = "-- migrate:"

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

  /// The statements of a migration outside of a transaction, in their order.
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
