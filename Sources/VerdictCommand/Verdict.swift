import ArgumentParser
import VerdictServer

/// The executable `verdict`: the server, workers and the operator's commands.
@main
struct Verdict: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verdict",
    abstract: "A multi-tenant server for yes/no decisions on tabular data.",
    discussion: """
      Every option can also be set by its environment variable. Without DATABASE_URL, verdict runs a private \
      PostgreSQL in VERDICT_DATA_DIR.
      """,
    version: BuildVersion.text,
    subcommands: [
      ServeCommand.self, WorkCommand.self, MigrateCommand.self, TenantCommand.self, KeyCommand.self,
      HealthCommand.self,
    ])
}
