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

/// The long-running parts of a process, started in their order and stopped in the reverse of it.
struct Server: Sendable {
  /// What a process does.
  struct Settings: Sendable {
    /// Address to listen on; `nil` for no HTTP.
    var host: String?
    /// Port to listen on.
    var port: Int
    /// What stands between the network and the routes.
    var networkLimits = NetworkLimits()
    /// Where a process without HTTP shows its metrics; `nil` for nowhere.
    var metrics: (host: String, port: Int)?
    /// Nothing is written, as on a standby: no trainings, nothing tidied up, no announcements.
    var isReadOnly = false
    /// Trainings at a time.
    var workers: Int
    /// Connections at the most.
    var poolSize: Int
    /// After how many days an entry of the audit log goes; `nil` for never.
    var auditKeptDays: Int?
    /// Leases, limits and retention of jobs.
    var jobs: JobQueue.Configuration
    /// Bytes of labels that are kept for the next training.
    var cacheBytes: Int
  }

  private let installation: Installation
  private let settings: Settings
  private let logger: Logger

  init(_ installation: Installation, _ settings: Settings, logger: Logger) {
    var installation = installation.breaking(connections: settings.poolSize, logger: logger)
    // A standby that is down says nothing of its primary.
    if settings.isReadOnly { installation.app.connectsDirectlyToPrimary = false }
    self.installation = installation
    self.settings = settings
    self.logger = logger
  }

  /// Runs until SIGINT or SIGTERM, or until a part fails for good.
  ///
  /// - Parameter cluster: the private PostgreSQL to watch over, if there is one.
  func run(cluster: EmbeddedCluster?) async throws {
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
          try await Maintenance(database: database, auditKeptDays: settings.auditKeptDays, logger: logger)
            .run()
        })
      let missed = MissedTrainings(database: database, autoTraining: autoTraining, logger: logger)
      services.append(BackgroundService("missed trainings") { try await missed.run() })
    }
    let metrics = ProcessMetrics()
    let web = settings.host.map { host in
      WebServer(
        database: database, queue: queue, listening: installation.listening,
        configuration: .init(host: host, port: settings.port, networkLimits: settings.networkLimits),
        metrics: metrics,
        logger: logger)
    }
    if let web { services += try web.services() }
    if let place = settings.metrics {
      services.append(
        MetricsServer(metrics: metrics, pool: pool, host: place.host, port: place.port, logger: logger)
          .service())
    }
    // Last, so that it is the first to stop: it hands its jobs back while requests are still being answered.
    if settings.workers > 0 {
      let cache = LabelCache(bytes: settings.cacheBytes)
      services.append(BackgroundService("label cache") { await cache.run() })
      let runner = TrainingRunner(
        database: database, autoTraining: autoTraining, cache: cache,
        timeout: settings.jobs.lease, logger: logger)
      let pace = TrainingPace { metrics.requests }
      let worker = Worker(
        queue: queue, connection: installation.listening, slots: settings.workers, logger: logger,
        onEnd: { metrics.observe($1, duration: $2) }, rest: { pace.rest(after: $1) },
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

/// Somebody else listens there already.
struct PortInUse: Error, CustomStringConvertible {
  var host: String
  var port: Int
  var description: String {
    "port \(port) on \(host) is in use already; give another one with --port or VERDICT_PORT"
  }
}

/// A part that runs until it is cancelled.
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
      // Being cancelled is how it ends.
    }
  }
}
