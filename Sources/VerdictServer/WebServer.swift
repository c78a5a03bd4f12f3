package import JobQueue
package import Logging
package import PostgreSQL
package import ServiceLifecycle
package import VerdictCore
import Hummingbird
import HummingbirdCore
import NIOCore

/// The HTTP server: composes routes, middleware, limits and notifications into services.
package struct WebServer: Sendable {
  /// The listening address and the limits towards the network.
  package struct Configuration: Sendable {
    /// Address to listen on.
    package var host: String
    /// Port to listen on; 0 for any free port.
    package var port: Int
    /// TLS, trusted proxies, CORS and limits for clients.
    package var networkLimits: NetworkLimits
    /// The most memory in bytes for datasets and models that are ready to predict.
    package var modelCacheBytes: Int
    /// Called with the port once the server listens.
    package var onListening: @Sendable (Int) async -> Void

    /// Creates a configuration; see the properties.
    package init(
      host: String, port: Int, networkLimits: NetworkLimits = NetworkLimits(),
      modelCacheBytes: Int = ServedDatasets.standardBytes,
      onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
      self.host = host
      self.port = port
      self.networkLimits = networkLimits
      self.modelCacheBytes = modelCacheBytes
      self.onListening = onListening
    }
  }

  private let database: Database
  private let queue: JobQueue
  private let listening: ConnectionConfiguration
  private let configuration: Configuration
  private let logger: Logger
  private let metrics: MetricsRegistry

  /// Creates a server on `database`.
  ///
  /// - Parameters:
  ///   - listening: the configuration of the dedicated connection for notifications, directly to PostgreSQL.
  ///   - metrics: the metrics of the process, to which the server adds its own.
  package init(
    database: Database, queue: JobQueue, listening: ConnectionConfiguration, configuration: Configuration,
    metrics: ProcessMetrics = ProcessMetrics(), logger: Logger
  ) {
    self.metrics = metrics.registry
    self.database = database
    self.queue = queue
    self.listening = listening
    self.configuration = configuration
    self.logger = logger
  }

  /// The services of the server, which run until graceful shutdown.
  package func services() throws -> [any Service] {
    let services = AppServices(
      database: database, queue: queue, metrics: metrics, modelCacheBytes: configuration.modelCacheBytes)
    let jobs = JobEventHub()
    let api = try Self.api(
      services, configuration.networkLimits, jobs: jobs, logger: logger)
    let application = Application(
      router: api.router,
      server: try configuration.networkLimits.server(logger: logger),
      configuration: .init(
        address: .hostname(configuration.host, port: configuration.port), serverName: "verdict",
        backlog: 1_024,
        availableConnectionsDelegate: MaximumAvailableConnections.maximum(
          configuration.networkLimits.limits.connections, logger: logger)),
      onServerRunning: { [configuration, logger] channel in
        let port = channel.localAddress?.port ?? configuration.port
        let scheme = configuration.networkLimits.tls == nil ? "http" : "https"
        logger.notice("listening on \(scheme)://\(configuration.host):\(port)")
        await configuration.onListening(port)
      },
      logger: logger)
    // A standby refuses LISTEN (PostgreSQL manual, 27.4.1); there, caches are revalidated by polling.
    if database.isReadOnly { return [application] }
    var listening = listening
    listening.parameters["application_name"] = services.publisher.barrier.server
    let listener = Listener(
      listening, channels: [DatasetChanges.channel, services.queue.configuration.channels.events],
      heartbeat: ServedDatasets.livenessTimeout / 4, logger: logger)
    let changes = ChangeListener(
      listener: listener, database: database, served: services.publisher.served,
      authenticator: api.authenticator, barrier: services.publisher.barrier, jobs: jobs, logger: logger)
    return [changes, application]
  }

  /// All routes, for the comparison with openapi.yaml.
  package static func routes(database: Database, queue: JobQueue, logger: Logger) throws -> RouteTable {
    try api(
      AppServices(database: database, queue: queue, metrics: MetricsRegistry()), NetworkLimits(),
      jobs: JobEventHub(), logger: logger
    ).routes.table
  }

  private static func api(
    _ services: AppServices, _ networkLimits: NetworkLimits, jobs: JobEventHub, logger: Logger
  ) throws -> API {
    let api = API(
      authenticator: Authenticator(
        keys: KeyStore(database: services.database),
        failedAuthLimiter: FailedAuthLimiter(.init(burst: networkLimits.failedAuthBurst))),
      requests: RequestMetrics(registry: services.metrics), refusals: services.refusals,
      networkLimits: networkLimits)
    addDatasetRoutes(services, to: api)
    addPredictionRoutes(services, to: api)
    TrainingJobRoutes(trainings: services.trainings, idempotency: services.idempotency, hub: jobs)
      .add(to: api)
    ModelRoutes(models: services.models, liveKPIs: services.liveKPIs, publisher: services.publisher)
      .add(to: api)
    ModelExportRoutes(models: services.models).add(to: api)
    PromotionRoutes(comparisons: services.comparisons, promotions: services.promotions).add(to: api)
    let standardJobs = services.queue.configuration.runningPerTenant
    let shares = TenantShares(limiter: services.connectionLimiter)
    KeyRoutes(
      keys: services.keys, idempotency: services.idempotency, standardJobs: standardJobs, shares: shares
    ).add(to: api)
    TenantRoutes(
      usage: services.usage, audit: services.audit, standardJobs: standardJobs, shares: shares
    ).add(to: api)
    try OperationRoutes(
      readiness: Readiness(database: services.database, logger: logger), metrics: services.metrics
    ).add(to: api)
    return api
  }

  private static func addDatasetRoutes(_ services: AppServices, to api: API) {
    DatasetRoutes(
      datasets: services.datasets, autoTraining: services.autoTraining, publisher: services.publisher,
      idempotency: services.idempotency
    ).add(to: api)
    SchemaRoutes(idempotency: services.idempotency).add(to: api)
    ProfileRoutes(profiles: services.profiles).add(to: api)
    LabelRoutes(
      labels: services.labels,
      uploads: LabelUploadHandler(
        datasets: services.datasets, ingest: services.ingest, limiter: services.connectionLimiter,
        idempotency: services.idempotency),
      exports: LabelExportHandler(
        datasets: services.datasets, export: LabelExport(database: services.database),
        limiter: services.connectionLimiter),
      limiter: services.connectionLimiter
    ).add(to: api)
  }

  private static func addPredictionRoutes(_ services: AppServices, to api: API) {
    PredictionRoutes(
      predictor: services.predictor,
      streaming: StreamingPredictionHandler(
        served: services.publisher.served, predictor: services.predictor, idempotency: services.idempotency,
        refusals: services.refusals),
      limiter: services.connectionLimiter, idempotency: services.idempotency
    ).add(to: api)
    StoredPredictionRoutes(
      predictions: services.predictionStore, deletion: services.predictionDeletion,
      exports: PredictionExportHandler(
        datasets: services.datasets, export: PredictionExport(database: services.database),
        limiter: services.connectionLimiter),
      limiter: services.connectionLimiter
    ).add(to: api)
    ErasureRoutes(erasures: services.erasures, idempotency: services.idempotency).add(to: api)
    FeedbackRoutes(
      feedback: services.feedback, limiter: services.connectionLimiter, idempotency: services.idempotency
    ).add(to: api)
  }
}
