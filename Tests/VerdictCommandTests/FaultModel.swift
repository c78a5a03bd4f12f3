import HTTPTestSupport

/// The rows that one client knows to be stored: all acknowledged ones, and those of at most one request without a
/// response.
struct FaultModel: Equatable, Sendable {
  /// Rows without keys by the number of their batch.
  var batches: [Int: Int] = [:]
  /// Rows with keys: the batch that wrote each one last, and its label.
  var keyed: [String: Keyed] = [:]

  struct Keyed: Equatable, Sendable {
    var batch: Int
    var label: Int
  }

  /// A request of the client.
  enum Operation: Sendable {
    /// Rows without keys.
    case insert(batch: Int, rows: Int)
    /// Rows that replace existing ones with the same keys.
    case upsert(batch: Int, rows: [(key: String, label: Int)])
    /// The deletion of the row with a key.
    case delete(key: String)
  }

  /// The state after an operation was applied.
  func after(_ operation: Operation) -> FaultModel {
    var next = self
    switch operation {
    case .insert(let batch, let rows): next.batches[batch] = rows
    case .upsert(let batch, let rows):
      for row in rows { next.keyed[row.key] = Keyed(batch: batch, label: row.label) }
    case .delete(let key): next.keyed[key] = nil
    }
    return next
  }

  /// The number of rows, and of those with label 1.
  var counts: (rows: Int, positives: Int) {
    let plain = batches.values.reduce(0, +)
    let plainPositives = batches.values.reduce(0) { $0 + $1 / 2 }
    return (plain + keyed.count, plainPositives + keyed.values.reduce(0) { $0 + $1.label })
  }
}

extension FaultModel {
  /// Reads the stored rows of each client from the export. Batches are numbered `client * 100_000 + n`, and keys
  /// begin with `client-`.
  static func stored(_ client: HTTPClient, clients: Int) async throws -> [FaultModel] {
    let answer = try HTTPClient.expect(
      200, await client.get("/v1/datasets/d/labels.ndjson"))
    var models = [FaultModel](repeating: FaultModel(), count: clients)
    for line in answer.text.split(separator: "\n") {
      // Splits at the quotes, since JSONDecoder is too slow in a debug build:
      // {"features":{"x":1.5,"c":"b17"},"label":1,"key":"0-3"}
      let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
      guard [11, 15].contains(parts.count), parts[5] == "c", let batch = Int(parts[7].dropFirst()),
        let label = parts[10].dropFirst().first?.wholeNumberValue, models.indices.contains(batch / 100_000)
      else { throw HTTPClient.Unexpected(description: "a line that was never posted: \(line)") }
      if parts.count == 15 {
        models[batch / 100_000].keyed[String(parts[13])] = Keyed(batch: batch, label: label)
      } else {
        models[batch / 100_000].batches[batch, default: 0] += 1
      }
    }
    return models
  }
}
