#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The operating system's user that PostgreSQL runs as: the process's own, or an unprivileged one under root, as which
/// PostgreSQL refuses to run.
struct ClusterUser: Sendable, Equatable {
  var uid: uid_t
  var gid: gid_t
  var name: String
  var home: String
  /// Whether this is the process's own user.
  var isSelf: Bool

  /// The user that PostgreSQL's packages create.
  static let packageUser = "postgres"

  /// The user for the cluster in `directory`: under root the owner of an existing directory, otherwise the packages' user.
  static func choose(for directory: String) throws -> ClusterUser {
    let own = geteuid()
    guard own == 0 else {
      return try lookUp(own) ?? ClusterUser(uid: own, gid: getegid(), name: "\(own)", home: "/", isSelf: true)
    }
    if let status = try FileSystem.status(directory), status.st_uid != 0 {
      return try lookUp(status.st_uid)
        ?? ClusterUser(
          uid: status.st_uid, gid: status.st_gid, name: "\(status.st_uid)", home: "/", isSelf: false)
    }
    return try packageUserOnly()
  }

  private static func packageUserOnly() throws -> ClusterUser {
    guard let user = try entry({ getpwnam_r(packageUser, $0, $1, $2, $3) }) else {
      throw EmbeddedPostgresError.unprivilegedUserMissing(name: packageUser)
    }
    return user
  }

  private static func lookUp(_ uid: uid_t) throws -> ClusterUser? {
    try entry { getpwuid_r(uid, $0, $1, $2, $3) }
  }

  private typealias LookUp = (
    UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
    UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
  ) -> Int32

  /// Reads the user database through its re-entrant calls. The strings of the entry are in `buffer`, which outlives their
  /// copying.
  private static func entry(_ lookUp: LookUp) throws -> ClusterUser? {
    var record = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    return try buffer.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return nil }
      let status = lookUp(&record, base, buffer.count, &found)
      guard status == 0 else {
        throw EmbeddedPostgresError.fileSystem(
          operation: "read", path: "the user database", reason: String(cString: strerror(status)))
      }
      guard found != nil else { return nil }
      return ClusterUser(
        uid: record.pw_uid, gid: record.pw_gid, name: String(cString: record.pw_name),
        home: String(cString: record.pw_dir), isSelf: record.pw_uid == geteuid())
    }
  }
}
