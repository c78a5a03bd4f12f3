import DomainTestSupport
import HTTPTestSupport
import TestSupport
import Testing

@testable import VerdictCore

/// The part of ``StatementDriver`` that deletes predictions and erases, and leaves rows that the same statements would delete.
struct Forgetting {
  let server: TestServer
  private var client: HTTPClient { server.client }

  func everything() async throws {
    try await deletions()
    try await erasures()
    try await failure()
    try await caches()
  }

  private func deletions() async throws {
    let ids = try await server.predictMore(8, from: 7_000).map(\.id)
    try await server.refer(Array(ids[0..<6]), to: "r", group: "g")
    let labels: JSON = ["labels": [["reference": "r", "label": 1], ["id": .string(ids[6]), "label": 0]]]
    _ = try HTTPClient.expect(200, await client.post("/v1/datasets/d/predictions/labels", labels))
    #expect(try await client.delete("/v1/datasets/d/predictions/\(ids[7])").status == 204)
    let query = "reference=r&labelled=true&labels=true"
    _ = try HTTPClient.expect(200, await client.delete("/v1/datasets/d/predictions?\(query)"))
  }

  private func erasures() async throws {
    for body: JSON in [
      ["key": "k2"], ["group": "g"], ["reference": "r", "retrain": true], ["key": "k1", "retrain": true],
    ] {
      let status = try await server.erase(body)
      #expect(status["state"] == "succeeded", "\(status.text)")
    }
    _ = try await client.get("/v1/datasets/d/erasures")
    // A kept response, which the next erasure would remove.
    let headers = ["Idempotency-Key": "unerased"]
    _ = try HTTPClient.expect(
      201,
      await client.post("/v1/datasets/d/labels", SmallData.batch(SmallData.rows(1)), headers: headers))
  }

  /// An erasure whose training fails.
  private func failure() async throws {
    try await client.makeDataset("few")
    let csv = "x,c,label,key\n1,red,1,a\n2,blue,0,b\n3,red,1,c\n4,blue,0,d\n"
    _ = try await client.send("POST", "/v1/datasets/few/labels", text: csv, as: "text/csv")
    let status = try await server.erase(["key": "a", "retrain": true], "few")
    #expect(status["state"] == "failed", "\(status.text)")
  }

  /// The caches of a process that trains.
  private func caches() async throws {
    let (database, logger) = (server.domain.database, server.domain.logger)
    let cache = LabelCache(bytes: 64 << 20)
    let reader = LabelReader(database: database, cache: cache, logger: logger)
    let dataset = try await server.domain.datasets.dataset(server.tenant, named: "few")
    _ = try await reader.read(server.tenant, dataset: dataset.id) { _, _ in }
    try await ErasedLabels(database: database, cache: cache, logger: logger).evict()
  }

  /// Rows that the statements of the erasures above would change again: of their subjects, and an erasure that waits for its
  /// training.
  static let rows = """
    UPDATE predictions SET reference = 'r', group_name = 'g';
    UPDATE labels SET reference = 'r', group_name = 'g';
    UPDATE labels SET key = 'k1' WHERE id = (SELECT max(id) FROM labels);
    UPDATE labels SET key = 'k2' WHERE id = (SELECT min(id) FROM labels);
    UPDATE labels SET key = 'a' WHERE id = (SELECT max(id) FROM labels WHERE key IS NULL);
    INSERT INTO models SELECT (jsonb_populate_record(s.newest, jsonb_build_object('version', v))).*
    FROM (SELECT m AS newest FROM models m ORDER BY version DESC LIMIT 1) s, generate_series(1, 3) v ON CONFLICT DO NOTHING;
    UPDATE models SET erased_labels = 1;
    INSERT INTO erasures (tenant_id, dataset_id, subject, hash, retrain, state, removed_at, job_id)
    SELECT tenant_id, dataset_id, subject, hash, retrain, 'running', removed_at, job_id FROM erasures
    WHERE job_id IS NOT NULL;
    """
}
