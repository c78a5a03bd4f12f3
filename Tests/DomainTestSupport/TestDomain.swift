package import JobQueue
package import Logging
package import PostgreSQL
import RowFormats
import TestSupport
package import VerdictCore

/// A migrated database for one test, with the domain's services, connected as the role that row-level security binds.
package struct TestDomain: Sendable {
  /// Connects as the owner of the tables, who bypasses row-level security.
  package let admin: ConnectionConfiguration
  /// Connects as the server does.
  package let app: ConnectionConfiguration
  /// The database as the server uses it.
  package let database: Database
  /// The queue of trainings.
  package let queue: JobQueue
  /// Logs errors only.
  package let logger: Logger

  /// Runs the closure with a fresh domain, which is removed afterwards.
  ///
  /// - Parameter observer: receives every statement of the server.
  package static func with<T>(
    connections: Int = 8, acquireTimeout: Duration = .seconds(60),
    observer: (@Sendable (Query, String, Int) -> Void)? = nil,
    _ body: (TestDomain) async throws -> T
  ) async throws -> T {
    let logger = Logger.quiet
    return try await TestDatabase.withDatabase(
      template: "verdict", prepare: { try await migrate($0, logger: logger) }
    ) { admin in
      var app = admin
      app.sessionSetup.append("SET ROLE verdict_app")
      app.observer = observer
      return try await withPool(.init(connection: app, maximum: connections, acquireTimeout: acquireTimeout))
      {
        pool in
        try await body(TestDomain(admin: admin, app: app, pool: pool))
      }
    }
  }

  private init(admin: ConnectionConfiguration, app: ConnectionConfiguration, pool: ConnectionPool) {
    self.admin = admin
    self.app = app
    database = Database(pool: pool)
    logger = .quiet
    queue = JobQueue(pool: pool, kind: TrainingJobs.kind, logger: logger)
  }

  /// Runs the closure with the same database through another connection configuration.
  package func connected<T>(
    by app: ConnectionConfiguration, connections: Int = 8, _ body: (TestDomain) async throws -> T
  ) async throws -> T {
    try await withPool(.init(connection: app, maximum: connections)) { pool in
      try await body(TestDomain(admin: admin, app: app, pool: pool))
    }
  }

  /// Migrates a database to the current schema.
  package static func migrate(_ admin: ConnectionConfiguration, logger: Logger) async throws {
    try await withConnection(admin) {
      _ = try await SchemaMigrator(logger: logger).migrate($0)
    }
  }

  /// Creates a tenant.
  package func tenant(_ name: String = "acme") async throws -> TenantID {
    try await TenantStore(database: database).create(name: name, keyName: "first").0.id
  }

  /// Waits until a transaction waits for a lock.
  package func waitForALock() async throws { try await admin.waitForLock() }

  /// Runs the closure with a connection that bypasses row-level security.
  package func asOwner<T: Sendable>(_ body: @Sendable (Connection) async throws -> T) async throws -> T {
    try await withConnection(admin, body)
  }
}

extension TestDomain {
  /// The automatic training that changes of labels trigger.
  package var autoTraining: AutoTraining { AutoTraining(queue: queue) }
  /// The datasets.
  package var datasets: DatasetStore { DatasetStore(database: database) }
  /// The labels.
  package var labels: LabelStore { LabelStore(database: database, autoTraining: autoTraining) }
  /// Ingests posted labels.
  package var ingest: LabelIngest { LabelIngest(database: database, autoTraining: autoTraining) }
  /// The models.
  package var models: ModelStore { ModelStore(database: database) }
  /// The training jobs.
  package var trainings: TrainingJobs { TrainingJobs(database: database, queue: queue) }
  /// Receives the outcomes of predictions.
  package var feedback: Feedback { Feedback(database: database, autoTraining: autoTraining) }

  /// Creates a dataset with a number `x` and a category `c`, edited by `change`.
  @discardableResult
  package func dataset(
    _ tenant: TenantID, _ name: String = "d", _ change: (inout NewDataset) -> Void = { _ in }
  ) async throws -> Dataset {
    var new = NewDataset(
      name: name,
      features: [
        FeatureDeclaration(name: "x", type: .continuous), FeatureDeclaration(name: "c", type: .categorical),
      ])
    change(&new)
    let made = new
    return try await database.transaction(for: tenant) { tx in
      try await datasets.create(tenant, made, in: tx).dataset
    }
  }

  /// Posts a batch given as JSON text.
  @discardableResult
  package func post(
    _ json: String, _ tenant: TenantID, _ name: String = "d"
  ) async throws -> LabelIngest.Outcome {
    let dataset = try await datasets.dataset(tenant, named: name)
    let batch = try JSONLabelReader(schema: dataset.schema).read(Array(json.utf8))
    return try await database.transaction(for: tenant) { tx in
      let once = Once(batch)
      let staged = try await ingest.stage(in: tx, tenant, dataset: dataset) { await once.take() }
      return try await ingest.insert(staged, tenant, dataset: dataset, in: tx)
    }
  }

  /// Posts rows with the values `x`. The outcome follows from `x` unless `labels` is given.
  @discardableResult
  package func post(
    x: [Double], label: (Double) -> Bool = { $0 > 0 }, keys: [String]? = nil, _ tenant: TenantID,
    _ name: String = "d"
  ) async throws -> LabelIngest.Outcome {
    let rows = x.enumerated().map { index, x in
      let key = keys.map { ",\"key\":\"\($0[index])\"" } ?? ""
      return
        "{\"features\":{\"x\":\(x),\"c\":\"\(x > 1 ? "big" : "small")\"},\"label\":\(label(x) ? 1 : 0)\(key)}"
    }
    return try await post("{\"labels\":[\(rows.joined(separator: ","))]}", tenant, name)
  }

  /// Returns the label counts that the dataset reports.
  package func counts(_ tenant: TenantID, _ name: String = "d") async throws -> LabelCounts {
    try await datasets.summary(tenant, named: name).counts
  }

  /// Counts the stored labels by outcome.
  package func countedRows() async throws -> (positives: Int, negatives: Int) {
    try await asOwner { connection in
      let rows = try await connection.query(
        "SELECT count(*) FILTER (WHERE label), count(*) FILTER (WHERE NOT label) FROM labels")
      return try rows.first?.decode(Int.self, Int.self) ?? (0, 0)
    }
  }

  /// Gives the category `c` of all stored models this many categories, so that they are large.
  package func enlargeModels(categories: Int) async throws {
    try await asOwner { connection in
      _ = try await connection.query(
        """
        UPDATE models SET model = jsonb_set(model, '{features,1,categories}', (
          SELECT jsonb_agg(jsonb_build_object('name', 'category ' || md5(i::text), 'rows', 1, 'coefficient',
            jsonb_build_object('value', random(), 'standardized', random(), 'status', 'estimated')))
          FROM generate_series(1, \(categories)) i))
        """)
    }
  }

  /// A worker that trains, as in `verdict serve`.
  package func trainingWorker(cache: LabelCache = LabelCache(bytes: 1 << 20)) -> Worker {
    let runner = TrainingRunner(
      database: database, autoTraining: autoTraining, cache: cache, logger: logger)
    return Worker(queue: queue, connection: app, slots: 1, logger: logger) { try await runner.run($0) }
  }

  /// Trains on the stored labels of a dataset and waits until the new model is active.
  package func train(_ tenant: TenantID, _ name: String = "d") async throws {
    let before = try await datasets.summary(tenant, named: name).activeModel?.version
    _ = try await database.transaction(for: tenant) { tx in
      try await trainings.request(tenant, dataset: name, in: tx) { $0 }
    }
    let worker = trainingWorker()
    let working = Task { try await worker.run() }
    try await eventually { try await datasets.summary(tenant, named: name).activeModel?.version != before }
    working.cancel()
    _ = await working.result
  }
}

/// Hands a value out once.
private actor Once<T: Sendable> {
  private var value: T?

  init(_ value: T) {
    self.value = value
  }

  func take() -> T? {
    defer { value = nil }
    return value
  }
}
