import ArgumentParser
import VerdictServer

/// The binary: a server, workers, and what an operator needs beside them.
@main
struct Verdict: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verdict",
    abstract: "A multi-tenant server for yes/no decisions on tabular data.",
    discussion: """
      Every option can be given by its environment variable, too. Without DATABASE_URL, verdict runs its own private \
      PostgreSQL in VERDICT_DATA_DIR.
      """,
    version: BuildVersion.text,
    subcommands: [
      ServeCommand.self, WorkCommand.self, MigrateCommand.self, TenantCommand.self, KeyCommand.self,
      HealthCommand.self,
    ])
}
