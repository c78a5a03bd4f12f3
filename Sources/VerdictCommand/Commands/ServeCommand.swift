import ArgumentParser
import EmbeddedPostgres
import Logging
import VerdictServer

/// Runs the HTTP server and, unless `--workers 0`, trainings in the same process.
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Answer HTTP requests, and train in the background.")

  @OptionGroup var database: DatabaseOptions
  @OptionGroup var network: NetworkLimitOptions

  @Option(help: "Address to listen on. [VERDICT_HOST; default: 127.0.0.1]")
  var host: String?

  @Option(help: "Port to listen on; 0 for any free one. [VERDICT_PORT; default: 8080]")
  var port: Int?

  @Option(help: "Concurrent trainings in this process. [VERDICT_WORKERS; default: 1]")
  var workers: Int?

  @Option(help: "Maximum number of database connections. [VERDICT_POOL_SIZE; default: 16]")
  var poolSize: Int?

  @Flag(
    help:
      "Write nothing, for use with a standby: reads, and predictions with store=false, without trainings. [VERDICT_READ_ONLY]"
  )
  var readOnly = false

  func validate() throws {
    let settings = try settings()
    guard (0...65_535).contains(settings.port) else {
      throw ValidationError("The port must be from 0 to 65535.")
    }
    guard (0...64).contains(settings.workers) else { throw ValidationError("Workers must be from 0 to 64.") }
    guard (2...1_000).contains(settings.poolSize) else {
      throw ValidationError("The pool must have 2 to 1000 connections.")
    }
    guard !settings.isReadOnly || database.url != nil else {
      throw ValidationError("--read-only needs the DATABASE_URL of a standby; a private PostgreSQL has none.")
    }
  }

  func run() async throws {
    let logger = try database.logger()
    let settings = try settings()
    if let url = database.url {
      try await Server(database.installation(url), settings, logger: logger).run(cluster: nil)
      return
    }
    let cluster = PrivatePostgreSQL.cluster(in: database.directory, logger: logger)
    let installation = Installation(try await PrivatePostgreSQL.advising { try await cluster.start() })
    do {
      let applied = try await installation.migrate(logger: logger)
      if !applied.isEmpty {
        logger.info("migrated", metadata: ["applied": "\(applied.joined(separator: ", "))"])
      }
      try await Server(installation, settings, logger: logger).run(cluster: cluster)
    } catch {
      try? await cluster.stop()
      throw error
    }
    try await cluster.stop()
  }

  private func settings() throws -> Server.Settings {
    let isReadOnly = try readOnly || Environment.flag("verdict.read.only")
    return try Server.Settings(
      host: host ?? Environment.text("verdict.host") ?? "127.0.0.1",
      port: port ?? Environment.number("verdict.port", default: 8_080),
      networkLimits: network.networkLimits(), isReadOnly: isReadOnly,
      workers: isReadOnly ? 0 : workers ?? Environment.number("verdict.workers", default: 1),
      poolSize: poolSize ?? Environment.number("verdict.pool.size", default: 16),
      auditRetentionDays: JobSettings.auditRetentionDays(), jobs: JobSettings.configuration(),
      cacheBytes: JobSettings.cacheBytes(), modelCacheBytes: modelCacheBytes(),
      trainingBytes: MemorySettings.trainingBytes(), requestBytes: MemorySettings.requestBytes())
  }

  /// The size in bytes of the cache of prepared models; `nil` for a share of the memory.
  private func modelCacheBytes() throws -> Int? {
    guard Environment.text("verdict.model.cache.mb") != nil else { return nil }
    let megabytes = try Environment.number("verdict.model.cache.mb", default: 0)
    guard (0...1_048_576).contains(megabytes) else {
      throw ValidationError("VERDICT_MODEL_CACHE_MB must be from 0 to 1048576.")
    }
    return megabytes << 20
  }
}
