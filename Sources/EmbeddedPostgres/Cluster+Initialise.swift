import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Cluster {
  /// Creates the data directory with its roles and its database under a temporary name and renames it when it is complete,
  /// so that a kill at any moment leaves either nothing or everything.
  func initialise(_ installation: Installation) async throws {
    logger.notice("Making a new database", metadata: ["directory": "\(directory.path)"])
    let unfinished = directory.unfinishedData
    try FileSystem.remove(unfinished)
    let name = "\(ClusterDirectory.dataName).new"

    try await run(
      "initdb", of: installation,
      [
        "--pgdata=\(name)", "--username=\(directory.configuration.adminRole)", "--encoding=UTF8",
        "--locale=\(Self.locale)", "--lc-messages=C", "--auth=trust", "--no-instructions",
      ])
    let mainFile = "\(unfinished)/postgresql.conf"
    try FileSystem.replace(
      mainFile, with: (FileSystem.text(mainFile) ?? "") + "\ninclude '\(settings.fileName)'\n",
      mode: 0o600, owner: directory.user)
    try FileSystem.replace(
      "\(unfinished)/\(settings.fileName)", with: settings.text(socketDirectory: ""),
      mode: 0o600, owner: directory.user)
    try FileSystem.replace(
      "\(unfinished)/pg_hba.conf", with: settings.hostBasedAuthentication, mode: 0o600,
      owner: directory.user)

    // Single-user mode (PostgreSQL manual, "postgres") runs one statement a line without a server.
    try await run(
      "postgres", of: installation, ["--single", "-D", name, "-c", "exit_on_error=on", "template1"],
      input: """
        CREATE ROLE \(directory.configuration.appRole) LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
        CREATE DATABASE \(directory.configuration.database)

        """)
    try FileSystem.move(unfinished, to: directory.data)
  }

  private func run(
    _ name: String, of installation: Installation, _ arguments: [String], input: String = ""
  ) async throws {
    let outcome = try await installation.program(name, as: directory.user)
      .run(arguments, in: directory.path, input: input)
    guard outcome.succeeded else {
      throw EmbeddedPostgresError.programFailed(
        program: name, status: outcome.status, output: outcome.output, log: "")
    }
  }

  /// C.UTF-8 where the system has it: order by code point, with Unicode's character classes.
  private static var locale: String {
    // newlocale(3): LC_CTYPE_MASK | LC_COLLATE_MASK, which glibc has as macros that Swift does not import.
    let categories = Int32(1 << LC_CTYPE | 1 << LC_COLLATE)
    for name in ["C.UTF-8", "C.utf8"] {
      if let locale = newlocale(categories, name, nil) {
        freelocale(locale)
        return name
      }
    }
    return "C"
  }
}
