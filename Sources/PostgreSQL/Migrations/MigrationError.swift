/// Why the history in the database and the one in the program do not fit together.
public enum MigrationError: Error, Sendable {
  /// Two migrations have this name.
  case duplicateName(String)
  /// A line of the migration begins as a directive and is none.
  case invalidDirective(name: String, line: String)
  /// The migration was applied with another text than it has now.
  case changed(name: String)
  /// The database has a migration that the program does not know and that is not compatible with it.
  case unknown(name: String)
  /// This migration is missing in the database, though a later one has been applied.
  case outOfOrder(name: String, after: String)
  /// The migration's own SQL failed; nothing of it has been applied, unless it is one outside of a transaction.
  case failed(name: String, underlying: PostgreSQLError)
  /// Others held a lock that the migration needs for as long as it was tried; nothing of it has been applied.
  case locked(name: String, underlying: PostgreSQLError)
}

extension MigrationError: CustomStringConvertible {
  /// One line for the operator.
  public var description: String {
    switch self {
    case .duplicateName(let name): "two migrations have the name \(name)"
    case .invalidDirective(let name, let line): "migration \(name) has an unknown directive: \(line)"
    case .changed(let name): "migration \(name) was applied with another text than this version has"
    case .unknown(let name):
      "the database has migration \(name) of a newer version, which this version does not work with"
    case .outOfOrder(let name, let last): "migration \(name) is missing though \(last) has been applied"
    case .failed(let name, let error): "migration \(name) failed: \(error)"
    case .locked(let name, let error):
      "migration \(name) waited in vain for a lock that others hold; end them, or run it again later: \(error)"
    }
  }
}
