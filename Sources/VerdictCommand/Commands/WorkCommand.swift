import ArgumentParser
import Logging

/// Runs trainings without an HTTP server.
struct WorkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "work", abstract: "Train in the background, without HTTP.",
    discussion: "Any number of workers can share one database, which DATABASE_URL must name.")

  @OptionGroup var database: DatabaseOptions

  @Option(help: "Concurrent trainings in this process. [VERDICT_WORKERS; default: 1]")
  var workers: Int?

  @Option(help: "Address of the metrics endpoint. [VERDICT_HOST; default: 127.0.0.1]")
  var host: String?

  @Option(
    help: "Port of the metrics endpoint; 0 for any free one. [VERDICT_METRICS_PORT; default: no endpoint]"
  )
  var metricsPort: Int?

  func run() async throws {
    let workers = try workers ?? Environment.number("verdict.workers", default: 1)
    guard (1...64).contains(workers) else { throw ValidationError("Workers must be from 1 to 64.") }
    guard let url = database.url else {
      throw ValidationError("verdict work needs DATABASE_URL; verdict serve has workers of its own.")
    }
    let port =
      try metricsPort
      ?? Environment.text("verdict.metrics.port").map { _ in
        try Environment.number("verdict.metrics.port", default: 0)
      }
    guard (0...65_535).contains(port ?? 0) else { throw ValidationError("The port must be from 0 to 65535.") }
    let logger = try database.logger()
    let host = host ?? Environment.text("verdict.host") ?? "127.0.0.1"
    let settings = try Server.Settings(
      host: nil, port: 0, metrics: port.map { (host, $0) }, workers: workers, poolSize: workers * 2 + 2,
      auditRetentionDays: JobSettings.auditRetentionDays(),
      jobs: JobSettings.configuration(), cacheBytes: JobSettings.cacheBytes(),
      trainingBytes: MemorySettings.trainingBytes())
    try await Server(database.installation(url), settings, logger: logger).run(cluster: nil)
  }
}
