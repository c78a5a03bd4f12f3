import Foundation
import Logging
public import PostgreSQL

/// Databases for integration tests, each of a test's own.
public enum TestDatabase {
  /// The server that all tests of this process share; started on first use.
  private static let server = SharedServer()

  /// Runs the closure with a fresh database, which is dropped afterwards.
  ///
  /// The database is a copy of a template that `prepare` has filled once per `template` name and process (CREATE
  /// DATABASE … TEMPLATE), so that a schema costs its migrations once.
  public static func withDatabase<T>(
    template: String = "empty", prepare: @Sendable (ConnectionConfiguration) async throws -> Void = { _ in },
    _ body: (ConnectionConfiguration) async throws -> T
  ) async throws -> T {
    let configuration = try await server.create(template, prepare)
    return try await withCleanup {
      try await server.drop(configuration)
    } _: {
      try await body(configuration)
    }
  }

  /// Runs the closure with a pool on a fresh database.
  public static func withPool<T>(
    maximum: Int = 8, _ body: (ConnectionPool) async throws -> T
  ) async throws -> T {
    try await withDatabase { configuration in
      try await TestSupport.withPool(
        .init(connection: configuration, maximum: maximum, acquireTimeout: .seconds(60)), body)
    }
  }

  /// Runs the closure with a connection to a fresh database.
  public static func withConnection<T>(_ body: (Connection) async throws -> T) async throws -> T {
    try await withDatabase { try await TestSupport.withConnection($0, body) }
  }
}

/// The one server, and the templates in it.
private actor SharedServer {
  private var cluster: Task<TestCluster, any Error>?
  private var templates: [String: Task<Void, any Error>] = [:]
  /// The end of the line of CREATE DATABASEs: copying a template that is being copied is refused.
  private var last: Task<Void, Never>?
  private var count = 0

  func create(
    _ template: String, _ prepare: @Sendable (ConnectionConfiguration) async throws -> Void
  ) async throws -> ConnectionConfiguration {
    let cluster = try await start()
    let source = "template_\(template)"
    if let building = templates[template] {
      try await building.value
    } else {
      // Registered before the first suspension, so that no other task builds it a second time.
      let (done, signal) = AsyncThrowingStream<Void, any Error>.makeStream()
      templates[template] = Task { for try await _ in done {} }
      do {
        try await administer("CREATE DATABASE \(identifier: source)")
        try await prepare(database(source, of: cluster))
        signal.finish()
      } catch {
        signal.finish(throwing: error)
        throw error
      }
    }
    count += 1
    let name = "test_\(getpid())_\(count)"
    try await administer("CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: source)")
    return database(name, of: cluster)
  }

  func drop(_ configuration: ConnectionConfiguration) async throws {
    guard let name = configuration.parameters["dbname"] else { return }
    try await administer("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
  }

  private func start() async throws -> TestCluster {
    if let cluster { return try await cluster.value }
    let starting = Task { try await TestCluster() }
    cluster = starting
    return try await starting.value
  }

  private func database(_ name: String, of cluster: TestCluster) -> ConnectionConfiguration {
    var configuration = cluster.configuration
    configuration.parameters["dbname"] = name
    return configuration
  }

  /// One statement after the other, not cancelled with the test.
  private func administer(_ query: Query) async throws {
    let configuration = try await start().configuration
    let previous = last
    let task = Task {
      await previous?.value
      let connection = try await Connection.connect(configuration)
      // A template's last session may need a moment to end (55006, object in use).
      var attempts = 0
      while true {
        do {
          try await connection.query(query)
          break
        } catch let error as PostgreSQLError where error.sqlState?.rawValue == "55006" && attempts < 1_000 {
          attempts += 1
          try await Task.sleep(for: .milliseconds(20))
        }
      }
      await connection.close()
    }
    last = Task { _ = await task.result }
    try await task.value
  }
}
