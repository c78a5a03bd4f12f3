public import JobQueue
public import Logging
public import PostgreSQL
public import ServiceLifecycle
public import VerdictCore
import Hummingbird
import HummingbirdCore
import NIOCore

/// The HTTP side of Verdict: everything between the socket and the domain.
public struct WebServer: Sendable {
  /// Where and how it listens.
  public struct Configuration: Sendable {
    /// Address to listen on.
    public var host: String
    /// Port to listen on; 0 for any free one.
    public var port: Int
    /// What stands between the network and the routes.
    public var frontDoor: FrontDoor
    /// Told the port once the server listens.
    public var onListening: @Sendable (Int) async -> Void

    /// Makes a configuration; see the properties.
    public init(
      host: String, port: Int, frontDoor: FrontDoor = FrontDoor(),
      onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
      self.host = host
      self.port = port
      self.frontDoor = frontDoor
      self.onListening = onListening
    }
  }

  private let database: Database
  private let queue: JobQueue
  private let listening: ConnectionConfiguration
  private let configuration: Configuration
  private let logger: Logger
  private let metrics: MetricsRegistry

  /// A server on `database`.
  ///
  /// - Parameters:
  ///   - listening: how to connect for notifications: a connection of its own, straight to PostgreSQL.
  ///   - metrics: what `/metrics` shows beside what the server measures itself.
  public init(
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

  /// The services that make it up: they run until graceful shutdown, in this order.
  public func services() throws -> [any Service] {
    let domain = Domain(database: database, queue: queue, metrics: metrics)
    let jobs = JobWatch()
    let api = try Self.api(
      domain, configuration.frontDoor, jobs: jobs, metrics: metrics, logger: logger)
    let application = Application(
      router: api.router,
      server: try configuration.frontDoor.server(logger: logger),
      configuration: .init(
        address: .hostname(configuration.host, port: configuration.port), serverName: "verdict",
        backlog: 1_024,
        availableConnectionsDelegate: MaximumAvailableConnections.maximum(
          configuration.frontDoor.limits.connections, logger: logger)),
      onServerRunning: { [configuration, logger] channel in
        let port = channel.localAddress?.port ?? configuration.port
        let scheme = configuration.frontDoor.tls == nil ? "http" : "https"
        logger.notice("listening on \(scheme)://\(configuration.host):\(port)")
        await configuration.onListening(port)
      },
      logger: logger)
    // A standby does not take LISTEN (manual, 27.4.1): there, what is kept in memory is compared again and again.
    if database.isReadOnly { return [application] }
    var listening = listening
    listening.parameters["application_name"] = domain.barrier.server
    let listener = Listener(
      listening, channels: [DatasetChanges.channel, JobQueue.eventChannel],
      heartbeat: ServedDatasets.patience / 4, logger: logger)
    let announcements = Announcements(
      listener: listener, database: database, served: domain.served, authenticator: api.authenticator,
      barrier: domain.barrier, jobs: jobs, logger: logger)
    return [announcements, application]
  }

  /// All routes, as they are compared with openapi.yaml.
  public static func routes(database: Database, queue: JobQueue, logger: Logger) throws -> RouteTable {
    let metrics = MetricsRegistry()
    return try api(
      Domain(database: database, queue: queue, metrics: metrics), FrontDoor(), jobs: JobWatch(),
      metrics: metrics, logger: logger
    ).routes.table
  }

  private static func api(
    _ domain: Domain, _ door: FrontDoor, jobs: JobWatch, metrics: MetricsRegistry, logger: Logger
  ) throws -> API {
    let api = API(
      authenticator: Authenticator(
        keys: KeyStore(database: domain.database),
        wrongKeys: WrongKeys(.init(burst: door.wrongKeysAtOnce))),
      requests: RequestMetrics(registry: metrics), door: door)
    DatasetRoutes(domain: domain).add(to: api)
    LabelRoutes(domain: domain).add(to: api)
    TrainingJobRoutes(domain: domain, watch: jobs).add(to: api)
    ModelRoutes(domain: domain).add(to: api)
    PredictionRoutes(domain: domain).add(to: api)
    KeyRoutes(domain: domain).add(to: api)
    TenantRoutes(domain: domain).add(to: api)
    try OperationRoutes(readiness: Readiness(database: domain.database, logger: logger), metrics: metrics)
      .add(to: api)
    return api
  }
}
