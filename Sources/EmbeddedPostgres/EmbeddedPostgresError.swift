/// Why the private PostgreSQL could not be used, in words for the person at the terminal.
public enum EmbeddedPostgresError: Error, Sendable, CustomStringConvertible {
  /// No PostgreSQL of version 15 or newer was found; `searched` are the directories that were looked at.
  case binariesNotFound(searched: [String])
  /// The cluster was made by PostgreSQL `cluster`, and only the major versions in `available` are installed.
  case versionMismatch(cluster: Int, available: [Int], directory: String)
  /// Another server process holds the data directory; `processID` is what it wrote into its lock file, if readable.
  case alreadyServing(dataDirectory: String, processID: Int32?)
  /// The process runs as root, and there is no unprivileged user for PostgreSQL, which refuses to run as root.
  case unprivilegedUserMissing(name: String)
  /// The cluster lies where the user that PostgreSQL must run as cannot reach it.
  case notReachable(path: String, user: String)
  /// The data directory says that its cluster lies elsewhere, and there is none.
  case clusterMissing(recordedIn: String, path: String)
  /// A file or directory could not be used; `operation` is the system call's purpose, `reason` its error.
  case fileSystem(operation: String, path: String, reason: String)
  /// A PostgreSQL program could not be run or failed; `output` is what it printed, `log` the server's last lines.
  case programFailed(program: String, status: String, output: String, log: String)
  /// The server was there, but did not become ready or did not stop in time.
  case timedOut(waitingFor: String, seconds: Int, log: String)

  /// What went wrong and what to do about it.
  public var description: String {
    switch self {
    case .binariesNotFound(let searched):
      return """
        no PostgreSQL 15 or newer found (looked in \(searched.joined(separator: ", "))). \
        Install it (Debian: apt-get install postgresql) or name a server with DATABASE_URL
        """
    case .versionMismatch(let cluster, let available, let directory):
      let installed = available.map(String.init).joined(separator: ", ")
      return """
        the database in \(directory) was made by PostgreSQL \(cluster), but only \(installed) is installed. \
        Install PostgreSQL \(cluster), or upgrade the directory with pg_upgrade
        """
    case .alreadyServing(let directory, let processID):
      let holder = processID.map { " (process \($0))" } ?? ""
      return """
        another server\(holder) is already running on \(directory). \
        Stop it, or choose another directory with VERDICT_DATA_DIR
        """
    case .unprivilegedUserMissing(let name):
      return """
        PostgreSQL does not run as root, and there is no user "\(name)" to run it as. \
        Create one (useradd --system \(name)), or start the server as an ordinary user
        """
    case .notReachable(let path, let user):
      return """
        the database lies in \(path), which the user "\(user)" that PostgreSQL runs as cannot reach. \
        Move the data directory, or let that user pass through its parent directories (chmod o+x)
        """
    case .clusterMissing(let record, let path):
      return """
        \(record) says that the database lies in \(path), but there is none. \
        Restore it, or remove \(record) to begin with an empty database
        """
    case .fileSystem(let operation, let path, let reason):
      return "could not \(operation) \(path): \(reason)"
    case .programFailed(let program, let status, let output, let log):
      return Self.joined("\(program) failed (\(status))", output, log)
    case .timedOut(let what, let seconds, let log):
      return Self.joined("gave up waiting for \(what) after \(seconds) s", log)
    }
  }

  private static func joined(_ parts: String...) -> String {
    parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }
}
