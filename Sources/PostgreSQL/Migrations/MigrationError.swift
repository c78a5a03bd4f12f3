/// The reason why migrations cannot be applied.
public enum MigrationError: Error, Sendable {
  /// Two migrations have this name.
  case duplicateName(String)
  /// A line begins like a directive but is not one.
  case invalidDirective(name: String, line: String)
  /// The migration was applied with a text that differs from the program's.
  case changed(name: String)
  /// The database has a migration that the program neither knows nor is compatible with.
  case unknown(name: String)
  /// The migration is missing in the database, though a later one has been applied.
  case outOfOrder(name: String, after: String)
  /// The migration's SQL failed. Nothing of it was applied, unless it runs outside of a transaction.
  case failed(name: String, underlying: PostgreSQLError)
  /// Other sessions held a lock that the migration needs until its timeout. Nothing of it was applied.
  case locked(name: String, underlying: PostgreSQLError)
}

extension MigrationError: CustomStringConvertible {
  /// A message of one line for the operator.
  public var description: String {
    switch self {
    case .duplicateName(let name): "two migrations have the name \(name)"
    case .invalidDirective(let name, let line): "migration \(name) has an unknown directive: \(line)"
    case .changed(let name): "migration \(name) was applied with a text that differs from this version's"
    case .unknown(let name):
      "the database has migration \(name) of a newer version, which this version does not work with"
    case .outOfOrder(let name, let last): "migration \(name) is missing though \(last) has been applied"
    case .failed(let name, let error): "migration \(name) failed: \(error)"
    case .locked(let name, let error):
      "migration \(name) could not lock a table that other sessions hold; end them, or run it again later: \(error)"
    }
  }
}
