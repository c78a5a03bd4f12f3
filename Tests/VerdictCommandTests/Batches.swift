import HTTPTestSupport
import TestSupport

/// Batches of labels that can be told apart: the category is the number of the batch.
enum Batches {
  /// Creates the dataset for the batches.
  static func makeDataset(_ client: HTTPClient) async throws { try await client.makeDataset() }

  /// A batch as NDJSON.
  static func lines(_ number: Int, rows: Int) -> String {
    (0..<rows).map { "{\"features\":{\"x\":\($0),\"c\":\"b\(number)\"},\"label\":\($0 % 2)}\n" }.joined()
  }

  /// Posts a batch.
  static func post(_ number: Int, rows: Int, _ client: HTTPClient) async throws -> Answer {
    try await client.send(
      "POST", "/v1/datasets/d/labels", text: lines(number, rows: rows), as: "application/x-ndjson")
  }

  /// The number of stored rows of each batch, in a dataset that also contains other rows.
  static func counts(_ client: HTTPClient) async throws -> [Int: Int] {
    let answer = try HTTPClient.expect(
      200, await client.get("/v1/datasets/d/labels.csv"))
    return answer.text.split(whereSeparator: \.isNewline).dropFirst().reduce(into: [:]) { counts, line in
      let fields = line.split(separator: ",")
      if fields.count == 3, let number = Int(fields[1].dropFirst()) { counts[number, default: 0] += 1 }
    }
  }

  /// The number of stored rows of each batch, in a full read of the dataset.
  static func stored(_ client: HTTPClient) async throws -> [Int: Int] {
    let answer = try HTTPClient.expect(
      200, await client.get("/v1/datasets/d/labels.csv"))
    var counts: [Int: Int] = [:]
    for line in answer.text.split(whereSeparator: \.isNewline).dropFirst() {
      let fields = line.split(separator: ",")
      guard fields.count == 3, let number = Int(fields[1].dropFirst()) else {
        throw HTTPClient.Unexpected(description: "a line that was never posted: \(line)")
      }
      counts[number, default: 0] += 1
    }
    return counts
  }
}

extension HTTPClient {
  /// Creates a dataset and starts a training on it that takes seconds.
  ///
  /// - Returns: the path of the job, which is running.
  func startSlowTraining() async throws -> String {
    try await makeDataset()
    let csv = SmallData.csv(SmallData.rows(20_000))
    _ = try Self.expect(201, await send("POST", "/v1/datasets/d/labels", text: csv, as: "text/csv"))
    let queued = try Self.expect(202, await post("/v1/datasets/d/training-jobs", WorkerFixture.slow))
    guard let place = queued.headers["location"] else { throw Unexpected(description: "no location") }
    try await eventually { try await get(place).json["state"] == "running" }
    return place
  }

  /// Asks until the database is available: while it recovers, 503 is the right answer.
  func whenAvailable<T>(_ body: () async throws -> T) async throws -> T {
    try await eventually {
      do {
        return try await body()
      } catch let error as Unexpected where error.status == 503 {
        return nil
      }
    }
  }
}
