import Foundation
import JobQueue
import Logging
import PostgreSQL
import RowFormats
import TestSupport
import VerdictCore

/// A tenant with a dataset of ten continuous features and many labels, and a worker.
struct TrainingFixture: Sendable {
  let cluster: TestCluster
  let app: ConnectionConfiguration
  let pool: ConnectionPool
  let database: Database
  let queue: JobQueue
  let tenant: TenantID
  let rows: Int
  let logger: Logger

  /// The number of features; each value takes 8 bytes in the learner's matrix.
  static let features = 10

  init(_ cluster: TestCluster, rows: Int) async throws {
    var logger = Logger(label: "benchmark")
    logger.logLevel = .warning
    self.logger = logger
    self.cluster = cluster
    self.rows = rows
    let admin = try await Connection.connect(cluster.configuration)
    _ = try await SchemaMigrator(logger: logger).migrate(admin)
    var app = cluster.configuration
    app.sessionSetup.append("SET ROLE verdict_app")
    self.app = app
    pool = ConnectionPool(.init(connection: app, maximum: 8), logger: logger)
    database = Database(pool: pool)
    queue = JobQueue(pool: pool, kind: TrainingJobs.kind, logger: logger)
    let tenant = try await TenantStore(database: database).create(name: "acme", keyName: "first").0.id
    self.tenant = tenant
    let datasets = DatasetStore(database: database)
    let features = (0..<Self.features).map { FeatureDeclaration(name: "x\($0)", type: .continuous) }
    let dataset = try await database.transaction(for: tenant) { tx in
      try await datasets.create(tenant, NewDataset(name: "d", features: features), in: tx).dataset.id
    }
    try await admin.query("SELECT setseed(0.5)")
    let count = Int64(rows)
    try await admin.query(
      """
      INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
      SELECT \(tenant), \(dataset), x[1] + x[2] * 0.5 - x[3] + random() * 2 > 1, x, '{}'
      FROM (SELECT ARRAY[random(), random(), random(), random(), random(), random(), random(), random(),
                         random(), random()] AS x
            FROM generate_series(1, \(count)) AS n) AS made
      """)
    try await admin.query(
      """
      INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
      SELECT tenant_id, dataset_id, 0, count(*) FILTER (WHERE label), count(*) FILTER (WHERE NOT label), count(*)
      FROM labels GROUP BY 1, 2
      """)
    try await admin.query("VACUUM ANALYZE")
    await admin.close()
  }

  func close() async { await pool.close() }

  /// The seconds that psql takes to copy the rows out.
  func copyOut() async throws -> Double {
    try await seconds {
      _ = try await cluster.tool(
        "psql",
        [
          "-q", "-v", "ON_ERROR_STOP=1", "-c",
          "\\copy (SELECT label, id, numbers, categories FROM labels) TO '/dev/null' (FORMAT binary)",
          "postgres",
        ])
    }
  }

  /// Runs the closure while a worker runs as in `verdict work`, with a label cache of `cacheBytes`.
  func withWorker<T: Sendable>(
    cacheBytes: Int, _ body: @Sendable () async throws -> T
  ) async throws -> T {
    let runner = TrainingRunner(
      database: database, autoTraining: AutoTraining(queue: queue), cache: LabelCache(bytes: cacheBytes),
      logger: logger)
    let worker = Worker(queue: queue, connection: app, slots: 1, logger: logger) { try await runner.run($0) }
    let run = Task { try await worker.run() }
    // Waits until the worker listens.
    try await Task.sleep(for: .milliseconds(500))
    let result: Result<T, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    run.cancel()
    _ = await run.result
    return try result.get()
  }

  /// Polls a job until it has ended.
  func waitForEnd(of id: Int) async throws {
    let jobs = TrainingJobs(database: database, queue: queue)
    while true {
      let job = try await jobs.job(tenant, dataset: "d", id: id)
      if job.state == .succeeded { return }
      if job.state.isFinal { throw Failed(job: id, reason: job.error?.detail ?? "?") }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  struct Failed: Error {
    var job: Int
    var reason: String
  }
}
