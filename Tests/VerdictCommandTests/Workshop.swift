import Foundation
import HTTPTestSupport
import PostgreSQL
import TestSupport
import Testing

/// A server without workers on an operator's PostgreSQL, a dataset, and workers to be started, frozen and killed.
struct Workshop: Sendable {
  let cluster: TestCluster
  let installation: TestInstallation
  let server: ServerProcess
  let client: HTTPClient

  /// Leases of a second, so that nobody waits for long.
  ///
  /// - Parameter isLarge: with labels on which ``slow`` takes seconds.
  static func with(
    isLarge: Bool = false, settings: [String: String] = [:],
    _ body: @Sendable (Workshop) async throws -> Void
  ) async throws {
    let cluster = try await TestCluster(settings: ["synchronous_commit": "on"])
    do {
      let settings = ["VERDICT_LEASE_SECONDS": "1"].merging(settings) { $1 }
      try await TestInstallation.with(database: cluster.url(), settings: settings) { installation in
        _ = try await installation.run("migrate")
        let server = try await installation.serve(settings: ["VERDICT_WORKERS": "0"])
        let client = try server.client(key: try await installation.tenant())
        if isLarge {
          try await makeLargeDataset(client, cluster)
        } else {
          try await client.makeDataset()
          let csv = SmallData.csv(SmallData.rows(2_000))
          _ = try HTTPClient.expect(
            201, await client.send("POST", "/v1/datasets/d/labels", text: csv, as: "text/csv"))
        }
        try await body(
          Workshop(cluster: cluster, installation: installation, server: server, client: client))
      }
    } catch {
      await cluster.remove()
      throw error
    }
    await cluster.remove()
  }

  /// How many labels the large dataset has.
  static let manyRows = 150_000

  /// Fifty numbers a row, made by PostgreSQL, which is faster at it than a client.
  private static func makeLargeDataset(_ client: HTTPClient, _ cluster: TestCluster) async throws {
    let features = (0..<50).map { number -> JSON in ["name": .string("x\(number)"), "type": "continuous"] }
    try await client.makeDataset("d", ["features": .array(features)])
    let connection = try await Connection.connect(cluster.configuration)
    try await connection.query(
      """
      INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
      SELECT 1, 1, x[1] + x[2] - x[3] + random() * 2 > 1.5, x, '{}'
      FROM (SELECT ARRAY(SELECT random() FROM generate_series(1, 50) WHERE n > 0) AS x
            FROM generate_series(1, \(Int64(manyRows))) AS n) AS made
      """)
    try await connection.query(
      """
      INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
      SELECT 1, 1, 0, count(*) FILTER (WHERE label), count(*) FILTER (WHERE NOT label), count(*) FROM labels
      """)
    await connection.close()
  }

  /// On a large dataset, a training that takes seconds, so that it can be met at it.
  static let slow: JSON = ["penalty": "l1", "validation": ["method": "kfold", "folds": 20]]

  /// Asks for a training; its place.
  func train(_ parameters: JSON = [:]) async throws -> String {
    let queued = try HTTPClient.expect(202, await client.post("/v1/datasets/d/training-jobs", parameters))
    return try #require(queued.headers["location"])
  }

  /// The job once `condition` holds.
  func job(_ place: String, _ condition: (JSON) -> Bool) async throws -> JSON {
    try await eventually {
      // The database may be away.
      guard let answer = try? await client.get(place), answer.status == 200 else { return nil }
      return condition(answer.json) ? answer.json : nil
    }
  }

  /// The job once it has ended.
  func end(_ place: String) async throws -> JSON {
    try await job(place) { !["queued", "running"].contains($0["state"].string) }
  }

  /// When a job last moved.
  func lastMove() async throws -> Date {
    let connection = try await Connection.connect(cluster.configuration)
    let seconds = try await connection.query(
      "SELECT max((moves -> -1 ->> 'at')::float8) FROM jobs"
    ).first?.decode(Double.self)
    await connection.close()
    return Date(timeIntervalSince1970: seconds ?? 0)
  }

  /// Holds a table, so that whoever needs it next waits, until the closure returns.
  func holding<T: Sendable>(_ table: String, _ body: @Sendable (Connection) async throws -> T) async throws
    -> T
  {
    let holder = try await Connection.connect(cluster.configuration)
    let looker = try await Connection.connect(cluster.configuration)
    try await holder.query("BEGIN")
    try await holder.query("LOCK TABLE \(identifier: table) IN ACCESS EXCLUSIVE MODE")
    let result: Result<T, any Error>
    do {
      result = .success(try await body(looker))
    } catch {
      result = .failure(error)
    }
    await holder.close()
    await looker.close()
    return try result.get()
  }

  /// Waits until somebody has the job and waits for the table.
  func isMet(_ table: String, _ connection: Connection) async throws {
    _ = try await eventually {
      let isMet = try await connection.query(
        """
        SELECT EXISTS (SELECT FROM jobs WHERE state = 'running')
          AND EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = \(table)::regclass)
        """
      ).first?.decode(Bool.self)
      return isMet == true ? true : nil
    }
  }

  /// What must be true of a training however its workers died: it ended once, with one model, which predicts.
  func expectOneModel(of job: JSON, attempts: ClosedRange<Int>, lost: Bool = true) async throws {
    #expect(job["state"] == "succeeded", "\(job.text)")
    #expect(job["model_version"] == 1)
    #expect(attempts.contains(job["attempt"].int ?? -1), "\(job.text)")
    if lost { #expect(job["attempts"].elements.map { $0["type"] } == ["worker-lost"], "\(job.text)") }
    #expect(try await client.get("/v1/datasets/d/models").json["data"].elements.map { $0["version"] } == [1])
    let history = try await client.get("/v1/datasets/d/kpis").json["data"].elements
    #expect(history.map { $0["training_job"] } == [job["id"]])
    #expect(try await client.dataset()["active_model"]["version"] == 1)
    #expect(try await client.get("/v1/datasets/d/training-jobs").json["data"].elements.count == 1)
  }
}
