/// Errors of the private PostgreSQL, with descriptions for the person at the terminal.
public enum EmbeddedPostgresError: Error, Sendable, CustomStringConvertible {
  /// No PostgreSQL of major version `oldest` or newer was found in the directories `searched`.
  case binariesNotFound(oldest: Int, searched: [String])
  /// The cluster belongs to PostgreSQL `cluster`, and only the major versions in `available` are installed.
  case versionMismatch(cluster: Int, available: [Int], directory: String)
  /// Another server process holds the data directory; `processID` is from its lock file, if readable.
  case alreadyServing(dataDirectory: String, processID: Int32?)
  /// The process runs as root, and there is no unprivileged user for PostgreSQL.
  case unprivilegedUserMissing(name: String)
  /// The user that PostgreSQL must run as cannot reach the cluster.
  case notReachable(path: String, user: String)
  /// The data directory records another location of its cluster, and no cluster is there.
  case clusterMissing(recordedIn: String, path: String)
  /// A file or directory could not be used; `operation` is the system call's purpose, `reason` its error.
  case fileSystem(operation: String, path: String, reason: String)
  /// A PostgreSQL program could not be run or failed; `output` is its output, `log` the server's last lines.
  case programFailed(program: String, status: String, output: String, log: String)
  /// The server did not become ready, or did not stop, in time.
  case timedOut(waitingFor: String, seconds: Int, log: String)

  /// The problem and its remedy.
  public var description: String {
    switch self {
    case .binariesNotFound(let oldest, let searched):
      return """
        no PostgreSQL \(oldest) or newer found (looked in \(searched.joined(separator: ", "))). \
        Install it (Debian: apt-get install postgresql), or use a server of your own
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
        Stop it, or use another data directory
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
      return Self.joined("timed out waiting for \(what) after \(seconds) s", log)
    }
  }

  private static func joined(_ parts: String...) -> String {
    parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }
}
