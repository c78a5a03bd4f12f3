import Foundation

/// Where the parts of one cluster lie. All of it is in one directory of mode 0700 that belongs to the user PostgreSQL
/// runs as.
///
/// Usually that is `postgresql` in the data directory. When we are root and the data directory lies where PostgreSQL's
/// user may not pass (below /root, say), it is a directory below /var/lib/verdict, named in `postgresql.location`.
struct ClusterDirectory: Sendable {
  /// The data directory as the user gave it, made absolute.
  var dataDirectory: String
  /// The cluster's own directory.
  var path: String
  var user: ClusterUser

  /// PGDATA: there only once it is complete.
  var data: String { "\(path)/\(Self.dataName)" }
  /// PGDATA while it is being made.
  var unfinishedData: String { "\(path)/\(Self.dataName).new" }
  /// The server's log.
  var log: String { "\(path)/\(Self.logName)" }
  /// Where the socket lies unless that path is too long.
  var defaultSocketDirectory: String { "\(path)/socket" }
  /// Names the socket's directory if it is another one.
  var socketRecord: String { "\(path)/socket.location" }
  /// Held by the one server process.
  var serveLock: String { "\(path)/serve.lock" }
  /// Shared by all who use the running cluster; who can have it alone is the last one and may stop it.
  var usersLock: String { "\(path)/users.lock" }
  /// Held while the cluster is being made, started or stopped.
  var transitionLock: String { "\(path)/transition.lock" }

  static let dataName = "data"
  static let logName = "postgresql.log"
  /// Where clusters go that cannot lie in their data directory.
  static let elsewhere = "/var/lib/verdict"

  /// Finds or makes the cluster's directory.
  static func prepare(_ given: String, elsewhere: String = elsewhere) async throws -> ClusterDirectory {
    let dataDirectory = absolute(given)
    try makeDataDirectory(dataDirectory)
    let record = "\(dataDirectory)/postgresql.location"
    if let recorded = FileSystem.text(record)?.trimmingNewlines, !recorded.isEmpty {
      guard try FileSystem.exists(recorded) else {
        throw EmbeddedPostgresError.clusterMissing(recordedIn: record, path: recorded)
      }
      return try await existing(recorded, of: dataDirectory)
    }
    let path = "\(dataDirectory)/postgresql"
    if try FileSystem.exists(path) { return try await existing(path, of: dataDirectory) }

    let user = try ClusterUser.choose(for: path)
    try FileSystem.makeDirectory(path, mode: 0o700, owner: user)
    if try await user.canUse(path) {
      return ClusterDirectory(dataDirectory: dataDirectory, path: path, user: user)
    }
    try FileSystem.remove(path)
    let name = (dataDirectory as NSString).deletingLastPathComponent as NSString
    try FileSystem.makeDirectory(elsewhere, mode: 0o755)
    let moved = try FileSystem.makeUniqueDirectory(
      prefix: "\(elsewhere)/\(name.lastPathComponent)-", owner: user)
    guard try await user.canUse(moved) else {
      throw EmbeddedPostgresError.notReachable(path: moved, user: user.name)
    }
    try FileSystem.replace(record, with: "\(moved)\n", mode: 0o644)
    return ClusterDirectory(dataDirectory: dataDirectory, path: moved, user: user)
  }

  private static func existing(_ path: String, of dataDirectory: String) async throws -> ClusterDirectory {
    let user = try ClusterUser.choose(for: path)
    guard try await user.canUse(path) else {
      throw EmbeddedPostgresError.notReachable(path: path, user: user.name)
    }
    return ClusterDirectory(dataDirectory: dataDirectory, path: path, user: user)
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
  /// Whether the user can pass to the directory and write in it: asked of the kernel by doing it as that user, since
  /// modes, groups, access lists and mounts all have a say.
  fileprivate func canUse(_ directory: String) async throws -> Bool {
    guard !isSelf else { return true }
    let shell = Program(executable: "/bin/sh", user: self)
    return try await shell.run(["-c", "test -w \"$0\" && cd \"$0\"", directory], in: "/").succeeded
  }
}
