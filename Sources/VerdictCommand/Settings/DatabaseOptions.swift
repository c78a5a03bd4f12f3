import ArgumentParser
import Logging
import VerdictServer

/// Where the data is, and how much is logged: the options of every command.
struct DatabaseOptions: ParsableArguments {
  @Option(help: "PostgreSQL to use, as URL or keywords of libpq. [DATABASE_URL; default: a private one]")
  var databaseURL: String?

  @Option(help: "Directory of the private PostgreSQL. [VERDICT_DATA_DIR; default: ./.verdict]")
  var dataDir: String?

  @Option(help: "trace, debug, info, notice, warning, error or critical. [VERDICT_LOG_LEVEL; default: info]")
  var logLevel: String?

  /// The database's URL; `nil` for the private one. An empty variable counts as absent.
  var url: String? {
    databaseURL ?? Environment.text("database.url", isSecret: true)
  }

  /// Directory of the private PostgreSQL.
  var directory: String { dataDir ?? Environment.text("verdict.data.dir") ?? ".verdict" }

  /// A logger for short commands, whose answer is what matters.
  func quietLogger() throws -> Logger { try logger(default: .warning) }

  /// A logger to standard error: standard output belongs to the commands' answers.
  ///
  /// - Throws: `ValidationError` for an unknown level.
  func logger(default level: Logger.Level = .info) throws -> Logger {
    let name = logLevel ?? Environment.text("verdict.log.level") ?? level.rawValue
    guard let level = Logger.Level(rawValue: name) else {
      throw ValidationError("There is no log level \(name).")
    }
    var logger = Logger(label: "verdict") {
      StreamLogHandler.standardError(label: $0, metadataProvider: RequestNames.metadataProvider)
    }
    logger.logLevel = level
    return logger
  }
}
