import ArgumentParser
import Logging
import PostgreSQL
import VerdictServer

/// Where the data is, and how much is logged: the options of every command.
struct DatabaseOptions: ParsableArguments {
  @Option(
    help:
      "PostgreSQL to use, as URL or keywords of libpq, without a password. [DATABASE_URL; default: a private one]"
  )
  var databaseURL: String?

  @Option(
    help: "The same past a pooler, to hear notifications. [DATABASE_LISTEN_URL; default: the URL above]")
  var listenURL: String?

  @Option(
    help:
      "Prepared statements that a connection keeps; 0 for none. [VERDICT_PREPARED_STATEMENTS; default: 256]")
  var preparedStatements: Int?

  @Option(help: "Directory of the private PostgreSQL. [VERDICT_DATA_DIR; default: ./.verdict]")
  var dataDir: String?

  @Option(help: "trace, debug, info, notice, warning, error or critical. [VERDICT_LOG_LEVEL; default: info]")
  var logLevel: String?

  /// Arguments of processes are for all users of the machine to read: secrets come by the environment.
  func validate() throws {
    for (flag, variable, url) in [
      ("--database-url", "DATABASE_URL", databaseURL), ("--listen-url", "DATABASE_LISTEN_URL", listenURL),
    ] {
      // What is no URL at all is told of by whoever uses it.
      guard let url, let parameters = try? ConnectionConfiguration(uri: url).parameters else { continue }
      guard parameters["password"] == nil, parameters["sslpassword"] == nil else {
        throw ValidationError(
          "\(flag) has a password, which the list of processes would show: use \(variable) instead.")
      }
    }
  }

  /// The database's URL; `nil` for the private one. An empty variable counts as absent.
  var url: String? {
    databaseURL ?? Environment.text("database.url", isSecret: true)
  }

  /// Where notifications arrive, if not at ``url``.
  var listenAt: String? { listenURL ?? Environment.text("database.listen.url", isSecret: true) }

  /// How many prepared statements a connection keeps, if that was said.
  ///
  /// - Throws: `ValidationError` for what is no number, or out of bounds.
  func statements() throws -> Int? {
    guard preparedStatements != nil || Environment.text("verdict.prepared.statements") != nil else {
      return nil
    }
    let count = try preparedStatements ?? Environment.number("verdict.prepared.statements", default: 0)
    guard (0...10_000).contains(count) else {
      throw ValidationError("Prepared statements must be 0 to 10000.")
    }
    return count
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
      DeferredLogHandler(
        StreamLogHandler.standardError(label: $0, metadataProvider: RequestNames.metadataProvider))
    }
    logger.logLevel = level
    return logger
  }
}
