/// Rows of a small dataset: a number `x`, a category `c`, and an outcome that depends on both with some noise.
public enum SmallData {
  /// The dataset's features.
  public static let features: JSON = [
    ["name": "x", "type": "continuous"], ["name": "c", "type": "categorical"],
  ]

  /// One row.
  public struct Row: Sendable {
    /// From -3 to 3.
    public var x: Double
    /// `red`, `green` or `blue`.
    public var c: String
    /// 0 or 1.
    public var label: Int

    /// The features as JSON.
    public var features: JSON { ["x": .number(x), "c": .string(c)] }
    /// The row as the API accepts it.
    public var json: JSON { ["features": features, "label": .number(Double(label))] }
  }

  /// The rows from number `start` on. They are the same in every run, and any thirty contain both outcomes.
  public static func rows(_ count: Int, from start: Int = 0) -> [Row] {
    (start..<start + count).map { number in
      // Two multipliers without a common factor spread the values enough for a fit.
      let x = Double(number * 7_919 % 6_001) / 1_000 - 3
      let noise = Double(number * 104_729 % 2_003) / 1_001.5 - 1
      let c = ["red", "green", "blue"][number % 3]
      return Row(x: x, c: c, label: x + (c == "red" ? 0.5 : 0) + noise > 0 ? 1 : 0)
    }
  }

  /// Rows as CSV with its header line.
  public static func csv(_ rows: [Row]) -> String {
    "x,c,label\n" + rows.map { "\($0.x),\($0.c),\($0.label)\n" }.joined()
  }

  /// Rows as a JSON batch.
  public static func batch(_ rows: [Row]) -> JSON { ["labels": .array(rows.map(\.json))] }
}

extension HTTPClient {
  /// The response is not the one that the test needs to continue.
  public struct Unexpected: Error, CustomStringConvertible {
    /// The request and its response.
    public let description: String
    /// The status of the answer.
    public let status: Int?

    /// Creates an error with a description.
    public init(description: String, status: Int? = nil) {
      self.description = description
      self.status = status
    }
  }

  /// Returns the response if it has the expected status.
  public static func expect(_ status: Int, _ answer: Answer, _ what: String = #function) throws -> Answer {
    guard answer.status == status else {
      throw Unexpected(description: "\(what): \(answer) instead of \(status)", status: answer.status)
    }
    return answer
  }

  /// Creates the small dataset. Its trainings are linear, unless `more` has parameters of its own.
  @discardableResult
  public func makeDataset(_ name: String = "d", _ more: [String: JSON] = [:]) async throws -> JSON {
    var body = more
    body["name"] = .string(name)
    if body["features"] == nil { body["features"] = SmallData.features }
    if body["training"] == nil { body["training"] = ["family": "linear"] }
    return try Self.expect(201, await post("/v1/datasets", .object(body))).json
  }

  /// Posts rows as JSON.
  @discardableResult
  public func addLabels(_ rows: [SmallData.Row], _ name: String = "d") async throws -> JSON {
    try Self.expect(201, await post("/v1/datasets/\(name)/labels", SmallData.batch(rows))).json
  }

  /// Trains, waits, and returns the finished job.
  @discardableResult
  public func train(_ name: String = "d", _ parameters: JSON = [:]) async throws -> JSON {
    let answer = try await post(
      "/v1/datasets/\(name)/training-jobs", parameters, headers: ["Prefer": "wait=50"])
    var job = try Self.expect(answer.status == 202 ? 202 : 200, answer).json
    // A busy machine may need longer than a request may wait.
    while ["queued", "running"].contains(job["state"].string), let place = answer.headers["location"] {
      try await Task.sleep(for: .milliseconds(100))
      job = try Self.expect(200, await get(place)).json
    }
    guard job["state"].string == "succeeded" else { throw Unexpected(description: "training: \(job.text)") }
    return job
  }

  /// Reads the dataset.
  public func dataset(_ name: String = "d") async throws -> JSON {
    try Self.expect(200, await get("/v1/datasets/\(name)")).json
  }

  /// The number of stored labels, by the dataset's resource.
  public func labelsStored(_ name: String = "d") async throws -> Int {
    try await dataset(name)["labels_stored"].int ?? -1
  }
}
