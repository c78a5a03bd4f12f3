import Subprocess
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs PostgreSQL's own programs to their end.
struct Program: Sendable {
  var executable: String
  var user: ClusterUser

  struct Outcome: Sendable {
    var succeeded: Bool
    /// The termination status, as text.
    var status: String
    /// Standard output and error together.
    var output: String
  }

  /// Runs the program in `directory`, which `user` need not be able to reach by its path: the change of directory precedes
  /// the change of user.
  ///
  /// The program gets a session of its own, so that a Ctrl-C in the terminal does not reach it, and a clean environment,
  /// without the user's PGDATA, PGPORT or locale.
  func run(_ arguments: [String], in directory: String, input: String = "") async throws -> Outcome {
    var options = PlatformOptions()
    options.createSession = true
    let environment = Environment.custom([
      "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME": user.home, "LC_ALL": "C",
    ])
    let command = try user.command(executable, arguments)
    let result: ExecutionResult<Void, StringOutput<UTF8>, CombinedErrorOutput>
    do {
      result = try await Subprocess.run(
        .path(FilePath(command.executable)), arguments: Arguments(command.arguments),
        environment: environment,
        workingDirectory: FilePath(directory), platformOptions: options, input: .string(input),
        output: .string(limit: 1 << 20), error: .combinedWithOutput)
    } catch let error as SubprocessError {
      throw EmbeddedPostgresError.programFailed(
        program: executable, status: "could not be run", output: "\(error)", log: "")
    }
    return Outcome(
      succeeded: result.terminationStatus.isSuccess, status: "\(result.terminationStatus)",
      output: result.standardOutput.trimmingNewlines)
  }
}

extension ClusterUser {
  /// The command line that runs a program as this user.
  ///
  /// setpriv(1) changes the user: between fork and exec of a process with several threads that is not safe, since glibc's
  /// setuid(2) waits for all threads, of which the child has one.
  fileprivate func command(
    _ executable: String, _ arguments: [String]
  ) throws -> (executable: String, arguments: [String]) {
    if isSelf { return (executable, arguments) }
    for directory in ["/usr/bin", "/bin"] where access("\(directory)/setpriv", X_OK) == 0 {
      let drop = ["--reuid=\(uid)", "--regid=\(gid)", "--clear-groups", "--"]
      return ("\(directory)/setpriv", drop + [executable] + arguments)
    }
    throw EmbeddedPostgresError.programFailed(
      program: "setpriv", status: "not found",
      output: "it is needed to run PostgreSQL as \(name) (Debian: apt-get install util-linux)", log: "")
  }
}

extension String {
  /// The text without trailing newlines.
  var trimmingNewlines: String {
    var text = self[...]
    while let last = text.last, last.isNewline { text.removeLast() }
    return String(text)
  }
}
