import ArgumentParser
import Logging
import PostgreSQL
import VerdictServer

/// The options of every command: the database and the log level.
struct DatabaseOptions: ParsableArguments {
  @Option(
    help:
      "PostgreSQL as URL or libpq keywords, without a password. [DATABASE_URL; default: a private PostgreSQL]"
  )
  var databaseURL: String?

  @Option(
    help:
      "Direct URL for notifications if the URL above leads to a pooler. [DATABASE_LISTEN_URL; default: the URL above]"
  )
  var listenURL: String?

  @Option(
    help:
      "Prepared statements per connection; 0 for none. [VERDICT_PREPARED_STATEMENTS; default: 256]")
  var preparedStatements: Int?

  @Option(help: "Data directory of the private PostgreSQL. [VERDICT_DATA_DIR; default: ./.verdict]")
  var dataDir: String?

  @Option(
    help:
      "Log level: trace, debug, info, notice, warning, error or critical. [VERDICT_LOG_LEVEL; default: info]")
  var logLevel: String?

  /// Refuses passwords in arguments, which all users of the machine can read; environment variables are private.
  func validate() throws {
    for (flag, variable, url) in [
      ("--database-url", "DATABASE_URL", databaseURL), ("--listen-url", "DATABASE_LISTEN_URL", listenURL),
    ] {
      // An invalid URL is reported later, by the code that uses it.
      guard let url, let parameters = try? ConnectionConfiguration(uri: url).parameters else { continue }
      guard parameters["password"] == nil, parameters["sslpassword"] == nil else {
        throw ValidationError(
          "\(flag) contains a password, which process listings would show: use \(variable) instead.")
      }
    }
  }

  /// The URL of the database; `nil` for the private PostgreSQL. An empty variable counts as absent.
  var url: String? {
    databaseURL ?? Environment.text("database.url", isSecret: true)
  }

  /// The URL for notifications, if it differs from ``url``.
  var listenAt: String? { listenURL ?? Environment.text("database.listen.url", isSecret: true) }

  /// The number of prepared statements per connection, if it is set.
  ///
  /// - Throws: `ValidationError` for an invalid number.
  func statements() throws -> Int? {
    guard preparedStatements != nil || Environment.text("verdict.prepared.statements") != nil else {
      return nil
    }
    let count = try preparedStatements ?? Environment.number("verdict.prepared.statements", default: 0)
    guard (0...10_000).contains(count) else {
      throw ValidationError("Prepared statements must be from 0 to 10000.")
    }
    return count
  }

  /// The data directory of the private PostgreSQL.
  var directory: String { dataDir ?? Environment.text("verdict.data.dir") ?? ".verdict" }

  /// A logger for short commands, which logs warnings and errors by default.
  func commandLogger() throws -> Logger { try logger(default: .warning) }

  /// A logger to standard error, since standard output is for the commands' results.
  ///
  /// - Throws: `ValidationError` for an unknown level.
  func logger(default level: Logger.Level = .info) throws -> Logger {
    let name = logLevel ?? Environment.text("verdict.log.level") ?? level.rawValue
    guard let level = Logger.Level(rawValue: name) else {
      throw ValidationError("Unknown log level \(name).")
    }
    var logger = Logger(label: "verdict") {
      DeferredLogHandler(
        StreamLogHandler.standardError(label: $0, metadataProvider: RequestLogMetadata.metadataProvider))
    }
    logger.logLevel = level
    return logger
  }
}
