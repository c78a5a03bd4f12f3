import DomainTestSupport
import HTTPTestSupport
import JobQueue
import Logging
import PostgreSQL
import ServiceLifecycle
import VerdictCore
import VerdictServer
import TestSupport

/// A web server and a worker in the test's process, on a database of their own.
struct TestServer {
  let domain: TestDomain
  let port: Int
  /// The tenant `acme`.
  let tenant: TenantID
  /// A client with the tenant's first key, which has the role admin.
  let client: HTTPClient

  /// Runs the closure with a new server and database, and removes both afterwards.
  static func with<T: Sendable>(
    worker: Bool = true, networkLimits: NetworkLimits = NetworkLimits(),
    acquireTimeout: Duration = .seconds(60),
    observer: (@Sendable (Query, String, Int) -> Void)? = nil,
    _ body: @Sendable @escaping (TestServer) async throws -> T
  ) async throws -> T {
    try await TestDomain.with(connections: 16, acquireTimeout: acquireTimeout, observer: observer) { domain in
      try await serve(domain, worker: worker, networkLimits: networkLimits, listening: domain.app) { port in
        let (tenant, issued) = try await TenantStore(database: domain.database).create(
          name: "acme", keyName: "first")
        let client = HTTPClient(port: port, key: issued.secret.token)
        return try await body(TestServer(domain: domain, port: port, tenant: tenant.id, client: client))
      }
    }
  }

  /// Runs the closure with a second server on the same database, with caches of its own, as in another process.
  ///
  /// - Parameters:
  ///   - listening: the connection on which it receives notifications.
  ///   - database: the connections for everything else.
  func withAnother<T: Sendable>(
    listening: ConnectionConfiguration? = nil, database: TestDomain? = nil,
    _ body: @Sendable @escaping (HTTPClient) async throws -> T
  ) async throws -> T {
    try await Self.serve(database ?? domain, worker: false, listening: listening ?? domain.app) { port in
      var client = client
      client.port = port
      return try await body(client)
    }
  }

  private static func serve<T: Sendable>(
    _ domain: TestDomain, worker: Bool, networkLimits: NetworkLimits = NetworkLimits(),
    listening: ConnectionConfiguration,
    _ body: @Sendable (Int) async throws -> T
  ) async throws -> T {
    let (ports, announced) = AsyncStream<Int>.makeStream()
    let web = WebServer(
      database: domain.database, queue: domain.queue, listening: listening,
      configuration: .init(host: "127.0.0.1", port: 0, networkLimits: networkLimits) { announced.yield($0) },
      logger: domain.logger)
    var services = try web.services()
    if worker { services.append(TrainingWorker(domain: domain)) }
    let group = ServiceGroup(configuration: .init(services: services, logger: domain.logger))
    let running = Task {
      defer { announced.finish() }
      try await group.run()
    }
    return try await withCleanup {
      await group.triggerGracefulShutdown()
      _ = await running.result
    } _: {
      guard let port = await ports.first(where: { _ in true }) else {
        try await running.value
        throw NeverListened()
      }
      return try await body(port)
    }
  }

  struct NeverListened: Error {}

  /// A client with a new key of the tenant.
  func client(role: Role) async throws -> HTTPClient {
    let issued = try await domain.database.transaction(for: tenant) { [tenant] tx in
      try await KeyStore.issue(tenant, name: role.rawValue, role: role, expiresAt: nil, in: tx)
    }
    return client.with(key: issued.secret.token)
  }

  /// A client with the admin key of a new tenant.
  func clientOfAnotherTenant() async throws -> HTTPClient {
    let (_, issued) = try await TenantStore(database: domain.database).create(name: "other", keyName: "first")
    return client.with(key: issued.secret.token)
  }

  /// Holds a table lock until the closure returns.
  func holding<T>(_ table: String, _ mode: String, _ body: () async throws -> T) async throws -> T {
    try await TestSupport.holding(table, in: mode, of: domain.admin, body)
  }

  /// The row counts of all tables of tenant data and the rows of `datasets`: the state that a refused request must not change.
  func stored() async throws -> [String] {
    try await domain.asOwner { connection in
      var counts: [String] = []
      for table in ["datasets", "labels", "models", "predictions", "jobs", "api_keys", "idempotency_keys"] {
        let count = try await connection.query("SELECT count(*) FROM \(identifier: table)").first?.decode(
          Int.self)
        counts.append("\(table) \(count ?? -1)")
      }
      let datasets = try await connection.query("SELECT datasets::text FROM datasets ORDER BY 1")
      return counts + (try datasets.map { try $0.decode(String.self) })
    }
  }
}

/// A worker that trains, as in `verdict serve`.
private struct TrainingWorker: Service {
  let domain: TestDomain

  func run() async throws {
    let worker = domain.trainingWorker(cache: LabelCache(bytes: 64 << 20))
    try await cancelWhenGracefulShutdown { try await worker.run() }
  }
}
