import Foundation

/// One installed PostgreSQL: the directory of its programs and its major version.
struct Installation: Sendable, Equatable {
  var directory: String
  var major: Int

  func program(_ name: String, as user: ClusterUser) -> Program {
    Program(executable: "\(directory)/\(name)", user: user)
  }

  /// The newest installation from `oldest` on, or the one that created the cluster (`clusterMajor`): a data directory belongs
  /// to one major version (PostgreSQL manual, 19.6 "Upgrading a PostgreSQL Cluster").
  static func find(
    clusterMajor: Int?, clusterDirectory: String, as user: ClusterUser, oldest: Int = 15,
    path: String = ProcessInfo.processInfo.environment["PATH"] ?? ""
  ) async throws -> Installation {
    var directories = candidates(path)
    var found: [Installation] = []
    func inspect(_ directory: String) async -> Installation? {
      guard holdsPrograms(directory), let major = await majorVersion(directory, as: user), major >= oldest
      else { return nil }
      found.append(Installation(directory: directory, major: major))
      return major == clusterMajor ? found.last : nil
    }
    for directory in directories {
      if let match = await inspect(directory) { return match }
    }
    if let configured = await configuredDirectory(path, as: user), !directories.contains(configured) {
      directories.append(configured)
      if let match = await inspect(configured) { return match }
    }
    guard let newest = found.max(by: { $0.major < $1.major }) else {
      throw EmbeddedPostgresError.binariesNotFound(oldest: oldest, searched: directories)
    }
    guard let clusterMajor else { return newest }
    throw EmbeddedPostgresError.versionMismatch(
      cluster: clusterMajor, available: Set(found.map(\.major)).sorted(), directory: clusterDirectory)
  }

  /// The directories that may have the programs: those of the PATH and of the usual packages.
  private static func candidates(_ path: String) -> [String] {
    var directories = absoluteEntries(path).filter(holdsPrograms)
    for parent in ["/usr/lib/postgresql", "/usr/local/lib/postgresql"] {
      let versions = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
      directories += versions.map { "\(parent)/\($0)/bin" }
    }
    directories += ["/usr/pgsql/bin", "/opt/homebrew/bin", "/usr/local/bin", "/usr/bin"]
    return directories.reduce(into: []) { unique, next in
      if !unique.contains(next) { unique.append(next) }
    }
  }

  /// The directory that pg_config on the PATH names.
  private static func configuredDirectory(_ path: String, as user: ClusterUser) async -> String? {
    guard let tool = absoluteEntries(path).map({ "\($0)/pg_config" }).first(where: isExecutable) else {
      return nil
    }
    let answer = try? await Program(executable: tool, user: user).run(["--bindir"], in: "/")
    guard let answer, answer.succeeded else { return nil }
    return answer.output
  }

  private static func absoluteEntries(_ path: String) -> [String] {
    path.split(separator: ":").map(String.init).filter { $0.hasPrefix("/") }
  }

  private static func holdsPrograms(_ directory: String) -> Bool {
    ["postgres", "initdb", "pg_ctl"].allSatisfy { isExecutable("\(directory)/\($0)") }
  }

  private static func isExecutable(_ path: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: path)
  }

  /// From `postgres (PostgreSQL) 15.4 (Debian …)`, or `17beta1`.
  private static func majorVersion(_ directory: String, as user: ClusterUser) async -> Int? {
    let program = Program(executable: "\(directory)/postgres", user: user)
    guard let answer = try? await program.run(["--version"], in: "/"), answer.succeeded else { return nil }
    guard let version = answer.output.split(separator: " ").first(where: { $0.first?.isNumber == true })
    else { return nil }
    return Int(version.prefix { $0.isNumber })
  }
}
