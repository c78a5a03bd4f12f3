import Foundation
public import PostgreSQL

/// PgBouncer in transaction mode, in front of a ``TestCluster``.
public enum PgBouncer {
  /// The port of its socket in the cluster's directory.
  public static let port = 6432

  /// True where the program is installed.
  public static var isInstalled: Bool { FileManager.default.isExecutableFile(atPath: program) }

  private static let program = "/usr/sbin/pgbouncer"

  /// Starts it and waits until it forwards connections. It stops when the cluster is removed.
  ///
  /// - Parameters:
  ///   - poolSize: the number of server connections by database and user.
  ///   - passwords: the passwords by role with which it logs in; without any, all sessions are those of `postgres`.
  public static func start(
    before cluster: TestCluster, poolSize: Int, passwords: [String: String] = [:]
  ) async throws {
    let directory = cluster.directory
    let users = passwords.map { "\"\($0.key)\" \"\($0.value)\"\n" }.sorted().joined()
    try users.write(toFile: "\(directory)/users.txt", atomically: true, encoding: .utf8)
    let settings = """
      [databases]
      * = host=\(directory) port=5432 \(passwords.isEmpty ? "user=postgres" : "")
      [pgbouncer]
      listen_addr =
      listen_port = \(port)
      unix_socket_dir = \(directory)
      auth_type = \(passwords.isEmpty ? "any" : "trust")
      auth_file = \(directory)/users.txt
      pool_mode = transaction
      default_pool_size = \(poolSize)
      logfile = \(directory)/pgbouncer.log
      pidfile = \(directory)/pgbouncer.pid
      """
    try settings.write(toFile: "\(directory)/pgbouncer.ini", atomically: true, encoding: .utf8)
    try await cluster.daemon(program, ["\(directory)/pgbouncer.ini"])
    let configuration = configuration(cluster.configuration)
    try await eventually {
      (try? await withConnection(configuration) { _ = try await $0.query("SELECT 1") }) != nil
    }
  }

  /// The same server by way of PgBouncer, without prepared statements.
  public static func configuration(_ direct: ConnectionConfiguration) -> ConnectionConfiguration {
    var configuration = direct
    configuration.parameters["port"] = "\(port)"
    configuration.statementCacheCapacity = 0
    return configuration
  }
}
