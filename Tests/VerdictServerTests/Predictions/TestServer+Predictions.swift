import HTTPTestSupport
import Testing

extension TestServer {
  /// A trained dataset and `count` stored predictions of its model, with the true outcome of each.
  func predicted(
    _ count: Int, from start: Int = 5_000, _ more: [String: JSON] = [:]
  ) async throws -> [(id: String, answer: JSON, row: SmallData.Row)] {
    try await client.makeDataset("d", more)
    try await client.addLabels(SmallData.rows(400))
    try await client.train()
    return try await predictMore(count, from: start)
  }

  /// More predictions of the active model.
  func predictMore(
    _ count: Int, from start: Int
  ) async throws -> [(id: String, answer: JSON, row: SmallData.Row)] {
    let rows = SmallData.rows(count, from: start)
    let body: JSON = ["predictions": .array(rows.map { ["features": $0.features] })]
    let answers = try HTTPClient.expect(
      201, await client.post("/v1/datasets/d/predictions/batch", body)
    ).json["predictions"].elements
    return zip(rows, answers).map { (id: $1["id"].string ?? "", answer: $1, row: $0) }
  }

  /// Labels predictions with their true outcomes.
  @discardableResult
  func label(_ said: [(id: String, label: JSON)]) async throws -> JSON {
    let labels: [JSON] = said.map { ["id": .string($0.id), "label": $0.label] }
    return try HTTPClient.expect(
      200, await client.post("/v1/datasets/d/predictions/labels", ["labels": .array(labels)])
    ).json
  }

  /// The live KPIs of the first version.
  func liveKPIs() async throws -> JSON {
    try HTTPClient.expect(200, await client.get("/v1/datasets/d/models/1/live-kpis")).json
  }
}
