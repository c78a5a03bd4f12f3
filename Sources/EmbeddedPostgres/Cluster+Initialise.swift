import Logging

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Cluster {
  /// Makes the data directory with its roles and its database under another name and renames it when it is complete,
  /// so that a kill at any moment leaves either nothing or all.
  func initialise(_ installation: Installation) async throws {
    logger.notice("Making a new database", metadata: ["directory": "\(directory.path)"])
    let unfinished = directory.unfinishedData
    try FileSystem.remove(unfinished)
    let name = "\(ClusterDirectory.dataName).new"

    try await run(
      "initdb", of: installation,
      [
        "--pgdata=\(name)", "--username=\(ClusterAddress.adminRole)", "--encoding=UTF8",
        "--locale=\(Self.locale)", "--lc-messages=C", "--auth=trust", "--no-instructions",
      ])
    let settings = "\(unfinished)/postgresql.conf"
    try FileSystem.replace(
      settings, with: (FileSystem.text(settings) ?? "") + "\ninclude '\(ServerSettings.fileName)'\n",
      mode: 0o600, owner: directory.user)
    try FileSystem.replace(
      "\(unfinished)/\(ServerSettings.fileName)", with: ServerSettings.text(socketDirectory: ""),
      mode: 0o600, owner: directory.user)
    try FileSystem.replace(
      "\(unfinished)/pg_hba.conf", with: ServerSettings.hostBasedAuthentication, mode: 0o600,
      owner: directory.user)

    // Single-user mode (PostgreSQL manual, "postgres"): a statement a line, no server needed.
    try await run(
      "postgres", of: installation, ["--single", "-D", name, "-c", "exit_on_error=on", "template1"],
      input: """
        CREATE ROLE \(ClusterAddress.appRole) LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
        CREATE DATABASE \(ClusterAddress.database)

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

  /// Sorting by code point with Unicode's character classes, where the system has it.
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
