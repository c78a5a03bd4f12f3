import ArgumentParser
import EmbeddedPostgres
import PostgreSQL
import VerdictCore

/// Brings the database to this build's schema.
struct MigrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate", abstract: "Apply the migrations that the database lacks.",
    discussion: """
      Needs the role that owns the tables, or a superuser the first time, since it makes the role verdict_app. With \
      VERDICT_APP_PASSWORD set, verdict_app may log in with that password: the role for the server's DATABASE_URL.
      """)

  @OptionGroup var database: DatabaseOptions

  func run() async throws {
    let logger = try database.quietLogger()
    let applied: [String]
    if let url = database.url {
      let installation = try Installation(url: url)
      applied = try await installation.migrate(logger: logger)
      if let password = Environment.text("verdict.app.password", isSecret: true) {
        try await AppRole.allowLogin(password: password, as: installation.admin, logger: logger)
      }
    } else {
      applied = try await EmbeddedCluster.withCluster(dataDirectory: database.directory, logger: logger) {
        try await Installation($0).migrate(logger: logger)
      }
    }
    for name in applied { print("applied \(name)") }
    if applied.isEmpty { print("nothing to apply") }
  }
}
