import EmbeddedPostgres
import JobQueue
import Foundation
import Logging
import NIOCore
import PostgreSQL
import ServiceLifecycle
import UnixSignals
import VerdictCore
import VerdictServer

/// Wires the services of a server or worker process and runs them: they start in order and stop in reverse order.
struct Server: Sendable {
  /// The settings of a process.
  struct Settings: Sendable {
    /// Address to listen on; `nil` for no HTTP.
    var host: String?
    /// Port to listen on.
    var port: Int
    /// Limits and TLS of the HTTP server.
    var networkLimits = NetworkLimits()
    /// Address of the metrics endpoint of a process without HTTP; `nil` for none.
    var metrics: (host: String, port: Int)?
    /// Whether the process writes nothing, for use with a standby: no training, no maintenance, no notifications.
    var isReadOnly = false
    /// Number of concurrent trainings.
    var workers: Int
    /// Maximum number of database connections.
    var poolSize: Int
    /// Retention of audit log entries in days; `nil` for unlimited.
    var auditRetentionDays: Int?
    /// Settings of the job queue.
    var jobs: JobQueue.Configuration
    /// Size of the label cache in bytes; at most half of the memory of trainings.
    var cacheBytes: Int
    /// Size of the cache of prepared models in bytes; `nil` for a share of the memory.
    var modelCacheBytes: Int?
    /// Memory of all trainings of the process in bytes.
    var trainingBytes = TrainingMemory.defaultLimit
    /// Memory of all requests of the process in bytes.
    var requestBytes = RequestMemory.defaultLimit
  }

  private let installation: Installation
  private let settings: Settings
  private let logger: Logger

  init(_ installation: Installation, _ settings: Settings, logger: Logger) {
    var installation = installation.withCommitBreaker(connections: settings.poolSize, logger: logger)
    // A standby that is down implies nothing about its primary.
    if settings.isReadOnly { installation.app.connectsDirectlyToPrimary = false }
    self.installation = installation
    self.settings = settings
    self.logger = logger
  }

  /// Runs until SIGINT or SIGTERM, or until a service fails for good.
  ///
  /// - Parameter cluster: the private PostgreSQL to supervise, if there is one.
  func run(cluster: EmbeddedCluster?) async throws {
    HeapSettings.apply()
    RequestMemory.process.limit = settings.requestBytes
    let pool = ConnectionPool(
      ConnectionPool.Configuration(connection: installation.app, maximum: settings.poolSize), logger: logger)
    let database = Database(pool: pool, isReadOnly: settings.isReadOnly)
    let queue = JobQueue(
      pool: pool, kind: TrainingJobs.kind, configuration: settings.jobs, logger: logger)
    var services: [any Service] = []
    if let cluster { services.append(BackgroundService("cluster") { try await cluster.supervise() }) }
    services.append(BackgroundService("pool") { try await pool.run() })
    let autoTraining = AutoTraining(queue: queue)
    if !settings.isReadOnly {
      services.append(
        BackgroundService("maintenance") {
          try await Maintenance(
            database: database, auditRetentionDays: settings.auditRetentionDays, logger: logger
          )
          .run()
        })
      let missed = MissedTrainings(database: database, autoTraining: autoTraining, logger: logger)
      services.append(BackgroundService("missed trainings") { try await missed.run() })
    }
    let metrics = ProcessMetrics()
    let web = settings.host.map { host in
      WebServer(
        database: database, queue: queue, listening: installation.listening,
        configuration: .init(
          host: host, port: settings.port, networkLimits: settings.networkLimits,
          modelCacheBytes: settings.modelCacheBytes ?? ServedDatasets.standardBytes),
        metrics: metrics,
        logger: logger)
    }
    if let web { services += try web.services() }
    if let place = settings.metrics {
      services.append(
        MetricsServer(metrics: metrics, pool: pool, host: place.host, port: place.port, logger: logger)
          .service())
    }
    // Last, so that it stops first: it returns its jobs to the queue while requests are still answered.
    if settings.workers > 0 {
      let memory = TrainingMemory(limit: settings.trainingBytes, pressure: .process)
      let cache = LabelCache(bytes: min(settings.cacheBytes, memory.limit / 2))
      services.append(BackgroundService("label cache") { await cache.run() })
      let erased = ErasedLabels(database: database, cache: cache, logger: logger)
      services.append(BackgroundService("erased labels") { try await erased.run() })
      let runner = TrainingRunner(
        database: database, autoTraining: autoTraining, cache: cache, memory: memory,
        timeout: settings.jobs.lease, logger: logger)
      let pace = TrainingPace { metrics.requests }
      let worker = Worker(
        queue: queue, connection: installation.listening, slots: settings.workers, logger: logger,
        onEnd: { metrics.observe($1, duration: $2) }, cooldown: { pace.cooldown(after: $1) },
        handler: { try await runner.run($0) })
      services.append(BackgroundService("worker") { try await worker.run() })
    }
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    configuration.maximumGracefulShutdownDuration = .seconds(25)
    do {
      try await ServiceGroup(configuration: configuration).run()
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      await pool.close()
      let place = settings.metrics ?? (settings.host ?? "", settings.port)
      throw PortInUse(host: place.host, port: place.port)
    } catch {
      await pool.close()
      throw error
    }
    await pool.close()
  }
}

/// Another process listens on the port.
struct PortInUse: Error, CustomStringConvertible {
  var host: String
  var port: Int
  var description: String {
    "port \(port) on \(host) is already in use; choose another one with --port or VERDICT_PORT"
  }
}

/// A service that runs until it is cancelled.
struct BackgroundService: Service, CustomStringConvertible {
  let description: String
  private let body: @Sendable () async throws -> Void

  init(_ description: String, _ body: @escaping @Sendable () async throws -> Void) {
    self.description = description
    self.body = body
  }

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown(body)
    } catch is CancellationError {
      // Cancellation is the normal end.
    }
  }
}
