/// How to connect to the private PostgreSQL, in libpq's keywords (PostgreSQL manual, 34.1.2).
public struct ClusterConnections: Sendable {
  /// As the superuser, for migrations alone.
  public let admin: [String: String]
  /// As the application's role, which row-level security binds.
  public let app: [String: String]

  init(_ address: ClusterAddress, _ configuration: ClusterConfiguration) {
    func parameters(_ role: String) -> [String: String] {
      [
        "host": address.socketDirectory, "port": "\(address.port)", "user": role,
        "dbname": configuration.database,
      ]
    }
    admin = parameters(configuration.adminRole)
    app = parameters(configuration.appRole)
  }
}
