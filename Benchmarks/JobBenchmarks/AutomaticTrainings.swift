import Foundation
import JobQueue
import PostgreSQL
import RowFormats
import VerdictCore
import TestSupport

/// Measures automatic trainings after posts of 1,000 rows against the first training of the dataset by the same worker.
struct AutomaticTrainings {
  let fixture: TrainingFixture

  func run() async throws {
    try await setAutomatic(true)
    var firsts: [Double] = []
    var next: [Double] = []
    for _ in 0..<3 {
      let (first, others) = try await fixture.withWorker(cacheBytes: 1 << 30) { [self] in
        // The worker's cache is empty here.
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

  /// The seconds from the response to a post to the end of the training that it triggered.
  private func afterPost() async throws -> Double {
    let ingest = LabelIngest(database: fixture.database, autoTraining: AutoTraining(queue: fixture.queue))
    let dataset = try await DatasetStore(database: fixture.database).dataset(fixture.tenant, named: "d")
    let batch = try JSONLabelReader(schema: dataset.schema).read(Array(Self.body().utf8))
    let job = try await fixture.database.transaction(for: fixture.tenant) { tx in
      let value = SingleValue(batch)
      let staged = try await ingest.stage(in: tx, fixture.tenant, dataset: dataset) { await value.take() }
      return try await ingest.insert(staged, fixture.tenant, dataset: dataset, in: tx).trainingJob
    }
    guard let job else { return .nan }
    return try await seconds { try await fixture.waitForEnd(of: job) }
  }

  private static func body() -> String {
    let rows = (0..<1_000).map { number in
      let values = (0..<TrainingFixture.features).map { "\"x\($0)\":\(Double.random(in: 0...1))" }.joined(
        separator: ",")
      return "{\"features\":{\(values)},\"label\":\(number % 2)}"
    }
    return "{\"labels\":[\(rows.joined(separator: ","))]}"
  }

  private func setAutomatic(_ enabled: Bool) async throws {
    let autoTraining = AutoTraining(queue: fixture.queue)
    _ = try await DatasetStore(database: fixture.database).change(fixture.tenant, named: "d", autoTraining) {
      dataset in
      var change = DatasetChange(of: dataset)
      change.settings.autoTrain = AutoTrain(enabled: enabled, minNewLabels: 1, maxDelaySeconds: 0)
      return change
    }
  }
}

/// Returns a value once, then nil.
private actor SingleValue<T: Sendable> {
  private var value: T?

  init(_ value: T) { self.value = value }

  func take() -> T? {
    defer { value = nil }
    return value
  }
}
