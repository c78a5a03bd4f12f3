/// The directory, the names and the roles of a private PostgreSQL.
///
/// Names are plain identifiers (lower-case letters, digits and `_`): they appear unquoted in SQL and in configuration files.
public struct ClusterConfiguration: Sendable {
  /// The application's data directory, which is created if it does not exist. Only an absolute path is independent of the
  /// process's working directory.
  public var dataDirectory: String
  /// The short name of the application: the cluster's name in process lists, the name of its settings file (`NAME.conf`), and
  /// the prefix of socket directories that do not fit into the data directory.
  public var name: String
  /// The database, created with the cluster.
  public var database: String
  /// The superuser, for migrations.
  public var adminRole: String
  /// The role that the application connects as: no superuser, and bound by row-level security.
  public var appRole: String
  /// The parent directory of clusters whose data directory PostgreSQL's user cannot reach.
  public var fallbackDirectory: String
  /// The oldest major version of PostgreSQL that the application supports.
  public var oldestMajorVersion: Int

  /// A cluster in a data directory; by default everything is named after the application.
  public init(
    dataDirectory: String, name: String, database: String? = nil, adminRole: String = "postgres",
    appRole: String? = nil, fallbackDirectory: String? = nil, oldestMajorVersion: Int = 15
  ) {
    self.dataDirectory = dataDirectory
    self.name = name
    self.database = database ?? name
    self.adminRole = adminRole
    self.appRole = appRole ?? "\(name)_app"
    self.fallbackDirectory = fallbackDirectory ?? "/var/lib/\(name)"
    self.oldestMajorVersion = oldestMajorVersion
  }
}
