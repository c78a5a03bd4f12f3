import Foundation
import JobQueue
import PostgreSQL
import RowFormats
import VerdictCore

/// Automatic trainings after posts of 1,000 rows, against a first training of the dataset by the same worker.
struct AutomaticTrainings {
  let shop: Shop

  func run() async throws {
    try await setAutomatic(true)
    var firsts: [Double] = []
    var next: [Double] = []
    for _ in 0..<3 {
      let (first, others) = try await shop.working(cacheBytes: 1 << 30) { [self] in
        // A worker that has read nothing yet.
        let first = try await afterPost()
        var others: [Double] = []
        for _ in 0..<Main.rounds { others.append(try await afterPost()) }
        return (first, others)
      }
      firsts.append(first)
      next += others
    }
    try await setAutomatic(false)
    report(
      "an automatic training after 1,000 more rows",
      "\(median(next).milliseconds), a first one takes \(median(firsts).milliseconds), ratio "
        + (median(next) / median(firsts)).ratio)
  }

  /// From the answer to a post to the end of the training that it asked for.
  private func afterPost() async throws -> Double {
    let ingest = LabelIngest(database: shop.database, autoTraining: AutoTraining(queue: shop.queue))
    let dataset = try await DatasetStore(database: shop.database).dataset(shop.tenant, named: "d")
    let batch = try JSONLabelReader(schema: dataset.schema).read(Array(Self.body().utf8))
    let job = try await shop.database.transaction(for: shop.tenant) { tx in
      let once = Once(batch)
      let staged = try await ingest.stage(in: tx, shop.tenant, dataset: dataset) { await once.take() }
      return try await ingest.insert(staged, shop.tenant, dataset: dataset, in: tx).trainingJob
    }
    guard let job else { return .nan }
    return try await seconds { try await shop.end(of: job) }
  }

  private static func body() -> String {
    let rows = (0..<1_000).map { number in
      let values = (0..<Shop.features).map { "\"x\($0)\":\(Double.random(in: 0...1))" }.joined(separator: ",")
      return "{\"features\":{\(values)},\"label\":\(number % 2)}"
    }
    return "{\"labels\":[\(rows.joined(separator: ","))]}"
  }

  private func setAutomatic(_ enabled: Bool) async throws {
    let autoTraining = AutoTraining(queue: shop.queue)
    _ = try await DatasetStore(database: shop.database).change(shop.tenant, named: "d", autoTraining) { _ in
      var change = DatasetChange()
      change.autoTrain = AutoTrain(enabled: enabled, minNewLabels: 1, maxDelaySeconds: 0)
      return change
    }
  }
}

/// Gives a value once.
private actor Once<T: Sendable> {
  private var value: T?

  init(_ value: T) { self.value = value }

  func take() -> T? {
    defer { value = nil }
    return value
  }
}
