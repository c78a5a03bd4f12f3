/// Where the running cluster listens.
struct ClusterAddress: Sendable, Equatable {
  /// The directory of the Unix socket.
  var socketDirectory: String
  var port: Int

  /// The database that everything lies in.
  static let database = "verdict"
  /// The superuser, for migrations.
  static let adminRole = "postgres"
  /// What the server connects as: neither superuser nor beyond row-level security.
  static let appRole = "verdict_app"

  /// libpq's connection keywords (PostgreSQL manual, 34.1.2) for a role.
  func parameters(role: String) -> [String: String] {
    ["host": socketDirectory, "port": "\(port)", "user": role, "dbname": Self.database]
  }
}
