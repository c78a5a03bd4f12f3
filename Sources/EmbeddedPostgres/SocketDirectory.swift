import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Chooses the directory of the server's Unix socket: in the cluster's directory, or a short one when the path would
/// not fit into a socket address.
enum SocketDirectory {
  /// Only names the socket: nothing listens on the network.
  static let port = 5432

  /// The longest path in `sockaddr_un.sun_path` with its closing zero byte taken off (unix(7)).
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
    let made = try FileSystem.makeUniqueDirectory(prefix: shortPrefix(cluster.user), owner: cluster.user)
    try FileSystem.replace(cluster.socketRecord, with: "\(made)\n", mode: 0o600, owner: cluster.user)
    return made
  }

  /// Takes away what a dead server left in its directory, which is no other server's: the lock file there names a process
  /// too, and PostgreSQL would believe it.
  static func clear(_ directory: String) throws {
    for suffix in ["", ".lock"] { try FileSystem.remove("\(directory)/.s.PGSQL.\(port)\(suffix)") }
  }

  /// Short enough, and free of what means something in the setting's list of directories.
  private static func fits(_ directory: String) -> Bool {
    let path = "\(directory)/.s.PGSQL.\(port)"
    return path.utf8.count <= longestPath && !path.contains { ",'\"\\\n".contains($0) }
  }

  /// Somebody else may have made a directory of the recorded name since (/tmp is emptied at boot): it must be ours,
  /// a directory and not a link, and closed to all others.
  private static func belongs(_ directory: String, to user: ClusterUser) throws -> Bool {
    guard fits(directory), let status = try FileSystem.status(directory) else { return false }
    return status.st_mode & S_IFMT == S_IFDIR && status.st_mode & 0o777 == 0o700 && status.st_uid == user.uid
  }

  /// The user's run-time directory is private to them, so it is no place for another user's server.
  private static func shortPrefix(_ user: ClusterUser) -> String {
    if user.isSelf, let directory = ProcessInfo.processInfo.environment["XDG_RUNTIME_DIR"],
      directory.hasPrefix("/"), fits("\(directory)/verdict-XXXXXX"), access(directory, W_OK) == 0
    {
      return "\(directory)/verdict-"
    }
    return "/tmp/verdict-"
  }
}
