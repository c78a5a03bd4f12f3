import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The directory of the server's Unix socket: in the cluster's directory, or a short one if that path does not fit into a
/// socket address.
enum SocketDirectory {
  /// A part of the socket's name; nothing listens on the network.
  static let port = 5432

  /// The longest path in `sockaddr_un.sun_path`, without its terminating zero byte (unix(7)).
  private static let longestPath = 107

  static func prepare(for cluster: ClusterDirectory) throws -> String {
    let usual = cluster.defaultSocketDirectory
    if fits(usual) {
      try FileSystem.makeDirectory(usual, mode: 0o700, owner: cluster.user)
      return usual
    }
    if let recorded = FileSystem.text(cluster.socketRecord)?.trimmingNewlines,
      try belongs(recorded, to: cluster.user)
    {
      return recorded
    }
    let made = try FileSystem.makeUniqueDirectory(
      prefix: shortPrefix(cluster.configuration.name, cluster.user), owner: cluster.user)
    try FileSystem.replace(cluster.socketRecord, with: "\(made)\n", mode: 0o600, owner: cluster.user)
    return made
  }

  /// Removes a dead server's socket and lock file from its directory, which no other server uses. PostgreSQL would trust the
  /// process id in that lock file.
  static func clear(_ directory: String) throws {
    for suffix in ["", ".lock"] { try FileSystem.remove("\(directory)/.s.PGSQL.\(port)\(suffix)") }
  }

  /// Whether the path is short enough and free of characters with a meaning in the setting's list of directories.
  private static func fits(_ directory: String) -> Bool {
    let path = "\(directory)/.s.PGSQL.\(port)"
    return path.utf8.count <= longestPath && !path.contains { ",'\"\\\n".contains($0) }
  }

  /// Whether the recorded path is a directory, not a link, owned by the user and closed to others. Another user may have
  /// created it since (/tmp is emptied at boot).
  private static func belongs(_ directory: String, to user: ClusterUser) throws -> Bool {
    guard fits(directory), let status = try FileSystem.status(directory) else { return false }
    return status.st_mode & S_IFMT == S_IFDIR && status.st_mode & 0o777 == 0o700 && status.st_uid == user.uid
  }

  /// The run-time directory is private to its user, and unusable for another user's server.
  private static func shortPrefix(_ name: String, _ user: ClusterUser) -> String {
    if user.isSelf, let directory = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"],
      directory.hasPrefix("/"), fits("\(directory)/\(name)-XXXXXX"), access(directory, W_OK) == 0
    {
      return "\(directory)/\(name)-"
    }
    return "/tmp/\(name)-"
  }
}
