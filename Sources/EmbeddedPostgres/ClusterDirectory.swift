import Foundation

/// The paths of one cluster. All of them are in one directory of mode 0700 that belongs to the user PostgreSQL runs as.
///
/// Usually that is `postgresql` in the data directory. When the process runs as root and PostgreSQL's user cannot reach the
/// data directory (below /root, say), it is a directory below ``ClusterConfiguration/fallbackDirectory``, recorded in the file
/// `postgresql.location`.
struct ClusterDirectory: Sendable {
  var configuration: ClusterConfiguration
  /// The absolute path of the data directory.
  var dataDirectory: String
  /// The cluster's own directory.
  var path: String
  var user: ClusterUser

  /// PGDATA, which exists only once it is complete.
  var data: String { "\(path)/\(Self.dataName)" }
  /// PGDATA while it is being created.
  var unfinishedData: String { "\(path)/\(Self.dataName).new" }
  /// The server's log.
  var log: String { "\(path)/\(Self.logName)" }
  /// The socket's directory unless that path is too long.
  var defaultSocketDirectory: String { "\(path)/socket" }
  /// The file that records another socket directory.
  var socketRecord: String { "\(path)/socket.location" }
  /// Held by the one server process of the application.
  var serveLock: String { "\(path)/serve.lock" }
  /// Shared by all users of the running cluster; an exclusive holder is the last user and may stop it.
  var usersLock: String { "\(path)/users.lock" }
  /// Held while the cluster is being created, started or stopped.
  var transitionLock: String { "\(path)/transition.lock" }

  static let dataName = "data"
  static let logName = "postgresql.log"

  /// Finds or creates the cluster's directory.
  static func prepare(_ configuration: ClusterConfiguration) async throws -> ClusterDirectory {
    let dataDirectory = absolute(configuration.dataDirectory)
    func directory(_ path: String, _ user: ClusterUser) -> ClusterDirectory {
      ClusterDirectory(configuration: configuration, dataDirectory: dataDirectory, path: path, user: user)
    }
    func existing(_ path: String) async throws -> ClusterDirectory {
      let user = try ClusterUser.choose(for: path)
      guard try await user.canUse(path) else {
        throw EmbeddedPostgresError.notReachable(path: path, user: user.name)
      }
      return directory(path, user)
    }
    try makeDataDirectory(dataDirectory)
    let record = "\(dataDirectory)/postgresql.location"
    if let recorded = FileSystem.text(record)?.trimmingNewlines, !recorded.isEmpty {
      guard try FileSystem.exists(recorded) else {
        throw EmbeddedPostgresError.clusterMissing(recordedIn: record, path: recorded)
      }
      return try await existing(recorded)
    }
    let path = "\(dataDirectory)/postgresql"
    if try FileSystem.exists(path) { return try await existing(path) }

    let user = try ClusterUser.choose(for: path)
    try FileSystem.makeDirectory(path, mode: 0o700, owner: user)
    if try await user.canUse(path) {
      return directory(path, user)
    }
    try FileSystem.remove(path)
    let name = (dataDirectory as NSString).deletingLastPathComponent as NSString
    let fallback = configuration.fallbackDirectory
    try FileSystem.makeDirectory(fallback, mode: 0o755)
    let moved = try FileSystem.makeUniqueDirectory(
      prefix: "\(fallback)/\(name.lastPathComponent)-", owner: user)
    guard try await user.canUse(moved) else {
      throw EmbeddedPostgresError.notReachable(path: moved, user: user.name)
    }
    try FileSystem.replace(record, with: "\(moved)\n", mode: 0o644)
    return directory(moved, user)
  }

  private static func makeDataDirectory(_ path: String) throws {
    guard !FileManager.default.fileExists(atPath: path) else { return }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw EmbeddedPostgresError.fileSystem(operation: "create", path: path, reason: "\(error)")
    }
  }

  private static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}

extension ClusterUser {
  /// Whether the user can enter the directory and write in it. A process of that user tries, since modes, groups, access
  /// lists and mounts all matter.
  fileprivate func canUse(_ directory: String) async throws -> Bool {
    guard !isSelf else { return true }
    let shell = Program(executable: "/bin/sh", user: self)
    return try await shell.run(["-c", "test -w \"$0\" && cd \"$0\"", directory], in: "/").succeeded
  }
}
