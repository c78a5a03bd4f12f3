/// How to connect to the private PostgreSQL, in libpq's keywords (PostgreSQL manual, 34.1.2).
public struct ClusterConnections: Sendable {
  /// As the superuser: for migrations and for nothing else.
  public let admin: [String: String]
  /// As the role that the server works with, which row-level security binds.
  public let app: [String: String]

  init(_ address: ClusterAddress) {
    admin = address.parameters(role: ClusterAddress.adminRole)
    app = address.parameters(role: ClusterAddress.appRole)
  }
}
