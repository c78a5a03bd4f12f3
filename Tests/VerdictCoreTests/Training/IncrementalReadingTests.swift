import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import RowFormats
import TestSupport
import Testing
import TestSupport

@testable import VerdictCore

/// Tests that incremental reading gives the same result as a full read, to the last bit.
@Suite struct IncrementalReadingTests {
  @Test(.timeLimit(.minutes(10)), arguments: 0..<6)
  func `incremental and full reads agree after random changes`(seed: UInt64) async throws {
    try await TestDomain.with { domain in
      let changing = try await ChangingDataset(domain, seed: seed)
      try await changing.post(200)
      try await changing.settle()
      var random = SeededRandom(seed: seed)
      var previous: LogisticModel?
      for round in 0..<12 {
        for _ in 0..<Int.random(in: 0...5, using: &random) { try await changing.step(&random) }
        let (incremental, full) = try await changing.readIncrementallyAndFully()
        try expectSame(incremental.table, full.table)
        #expect(incremental.lastLabelID == full.lastLabelID && incremental.changes == full.changes)
        #expect(incremental.rowsRead < full.rowsRead, "round \(round)")
        let models = try [incremental, full].map {
          try train($0.table, parameters: TrainingParameters(), warmStart: previous).model
        }
        let texts = try models.map { try $0.exportJSON() }
        #expect(texts[0] == texts[1])
        previous = models[0]
      }
    }
  }

  @Test(.timeLimit(.minutes(10)))
  func `incremental and full reads agree under concurrent writes`() async throws {
    try await TestDomain.with(connections: 16) { domain in
      let changing = try await ChangingDataset(domain, seed: 7)
      try await changing.post(500)
      let writers = (0..<4).map { number in
        Task {
          var random = SeededRandom(seed: UInt64(number) + 100)
          while !Task.isCancelled { try await changing.step(&random, schema: false) }
        }
      }
      // This transaction obtains its xid and ids long before it commits, as a large upload does.
      let late = Task {
        try await domain.database.transaction(for: changing.tenant) { tx in
          try await tx.pipeline([
            "SELECT FROM datasets WHERE id = \(changing.dataset) FOR KEY SHARE",
            """
            INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
            VALUES (\(changing.tenant), \(changing.dataset), true, '{7}', '{late}'), (\(changing.tenant), \(changing.dataset), false, '{8}', '{late}')
            """,
            """
            INSERT INTO label_counts AS c VALUES (\(changing.tenant), \(changing.dataset), 3, 1, 1, 2)
            ON CONFLICT (tenant_id, dataset_id, shard) DO UPDATE SET
              positives = c.positives + 1, negatives = c.negatives + 1, changes = c.changes + 2
            """,
          ])
          try await Task.sleep(for: .milliseconds(800))
        }
      }
      for _ in 0..<40 {
        let (incremental, full) = try await changing.readIncrementallyAndFully()
        try expectSame(incremental.table, full.table)
      }
      try await late.value
      let (incremental, full) = try await changing.readIncrementallyAndFully()
      try expectSame(incremental.table, full.table)
      for writer in writers { writer.cancel() }
      for writer in writers { _ = await writer.result }
      try await changing.settle()
    }
  }

  @Test func `a large dataset without automatic training is not cached, nor is one beyond the bound`()
    async throws
  {
    try await TestDomain.with { domain in
      let changing = try await ChangingDataset(domain, seed: 1)
      try await changing.post(100)
      _ = try await changing.readIncrementallyAndFully()
      #expect(changing.cache.byteCount > 100 * (9 + 8 + 4))
      _ = try await domain.datasets.change(changing.tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings.autoTrain = .off
        return change
      }
      // A small dataset is cached nevertheless, unless the limit for small datasets lies below its size.
      _ = try await changing.readIncrementallyAndFully()
      #expect(changing.cache.byteCount > 0)
      let large = LabelCache(bytes: 1 << 20)
      _ = try await LabelReader(database: domain.database, cache: large, small: 500, logger: domain.logger)
        .read(changing.tenant, dataset: changing.dataset) { _, _ in }
      #expect(large.byteCount == 0)
      _ = try await domain.datasets.change(changing.tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings.autoTrain = AutoTrain(enabled: true, minNewLabels: 1_000_000, maxDelaySeconds: 0)
        return change
      }
      // The entry is kept until it has been unused for long, since its dataset may have been deleted.
      _ = try await changing.readIncrementallyAndFully()
      changing.cache.evict(unusedSince: .now - .seconds(3_600))
      #expect(changing.cache.byteCount > 0)
      changing.cache.evict(unusedSince: .now + .seconds(3_600))
      #expect(changing.cache.byteCount == 0)
      let small = LabelCache(bytes: 500)
      _ = try await LabelReader(database: domain.database, cache: small, logger: domain.logger)
        .read(changing.tenant, dataset: changing.dataset) { _, _ in }
      #expect(small.byteCount == 0)
    }
  }

  @Test func `a change by a statement that sets no number is numbered by the trigger`() async throws {
    try await TestDomain.with { domain in
      let changing = try await ChangingDataset(domain, seed: 2)
      try await changing.post(50)
      try await changing.settle()
      try await domain.asOwner {
        _ = try await $0.query("UPDATE labels SET numbers = '{-1000}' WHERE id % 7 = 0")
      }
      let (incremental, full) = try await changing.readIncrementallyAndFully()
      try expectSame(incremental.table, full.table)
      #expect((5...10).contains(incremental.rowsRead))
    }
  }

  @Test func `everything is read after a restart of PostgreSQL`() throws {
    let mark = HighWaterMark(position: 7, horizon: 10)
    let columns = TrainingColumns(features: [], expectedRows: 0)
    func read(_ oldest: Int) -> CachedLabels {
      CachedLabels(
        columns: columns, changes: 0, snapshot: LabelSnapshot(oldestRunning: oldest, serverStart: 1),
        marks: [mark])
    }
    #expect(read(10).position(for: LabelSnapshot(oldestRunning: 12, serverStart: 1)) == 7)
    #expect(read(10).position(for: LabelSnapshot(oldestRunning: 12, serverStart: 2)) == nil)
    // A transaction from before the mark was still running.
    #expect(read(9).position(for: LabelSnapshot(oldestRunning: 12, serverStart: 1)) == nil)
    let next = HighWaterMark(position: 9, horizon: 20)
    #expect(read(10).marks(and: next).map(\.position) == [7, 9])
  }

  @Test func `a transaction that outlasts many reads does not cause full reads`() throws {
    let snapshot = LabelSnapshot(oldestRunning: 10, serverStart: 1)
    var marks = [HighWaterMark(position: 7, horizon: 10)]
    for reading in 0..<100 {
      let read = CachedLabels(
        columns: TrainingColumns(features: [], expectedRows: 0), changes: 0, snapshot: snapshot, marks: marks)
      #expect(read.position(for: snapshot) == 7)
      marks = read.marks(and: HighWaterMark(position: 8 + reading, horizon: 20 + reading))
      #expect(marks.count <= CachedLabels.maxMarks)
    }
    // The newest mark is usable as soon as the transaction ends.
    let after = LabelSnapshot(oldestRunning: 1_000, serverStart: 1)
    let read = CachedLabels(
      columns: TrainingColumns(features: [], expectedRows: 0), changes: 0, snapshot: after, marks: marks)
    #expect(read.position(for: after) == 107)
  }

  private func expectSame(_ one: TrainingTable, _ other: TrainingTable) throws {
    #expect(one.names == other.names)
    #expect(one.outcomes == other.outcomes)
    #expect(one.columns.count == other.columns.count)
    for (left, right) in zip(one.columns, other.columns) {
      switch (left, right) {
      case (.numeric(let left), .numeric(let right)):
        #expect(left.map(\.bitPattern) == right.map(\.bitPattern))
      case (.categorical(let left, let names), .categorical(let right, let others)):
        #expect(left == right && names == others)
      default: Issue.record("columns of different kinds")
      }
    }
  }
}

/// A dataset with random changes.
private struct ChangingDataset: Sendable {
  let domain: TestDomain
  let tenant: TenantID
  let dataset: Int
  let cache = LabelCache(bytes: 64 << 20)

  init(_ domain: TestDomain, seed: UInt64) async throws {
    self.domain = domain
    tenant = try await domain.tenant()
    dataset = try await domain.dataset(tenant) {
      $0.settings.autoTrain = AutoTrain(enabled: true, minNewLabels: 1_000_000_000, maxDelaySeconds: 0)
    }.id
  }

  func post(_ count: Int) async throws {
    try await domain.post(x: (0..<count).map { Double($0 % 17) - 8 }, tenant)
  }

  /// Both reads in one snapshot.
  func readIncrementallyAndFully() async throws -> (
    incremental: LabelReader.Reading, full: LabelReader.Reading
  ) {
    let mark = try await HighWaterMark.make(tenant, in: domain.database)
    let caching = LabelReader(database: domain.database, cache: cache, logger: domain.logger)
    let uncached = LabelReader(
      database: domain.database, cache: LabelCache(bytes: 0), logger: domain.logger)
    let memory = (
      try await caching.reserve(tenant, dataset: dataset),
      try await uncached.reserve(tenant, dataset: dataset)
    )
    return try await domain.database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) {
      tx in
      let incremental = try await caching.read(tenant, dataset: dataset, mark: mark, memory.0, in: tx) {
        _, _ in
      }
      let full = try await uncached.read(tenant, dataset: dataset, mark: mark, memory.1, in: tx) { _, _ in }
      return (incremental, full)
    }
  }

  /// Reads until no changes are left. Other tests' transactions on the same server may be older than the first mark.
  func settle() async throws {
    try await eventually { try await readIncrementallyAndFully().incremental.rowsRead == 0 }
  }

  /// One random change that a client may make.
  func step(_ random: inout SeededRandom, schema: Bool = true) async throws {
    let values = (0..<Int.random(in: 1...20, using: &random)).map { _ in
      Double.random(in: -3...3, using: &random)
    }
    let some = try await someIDs(&random)
    switch Int.random(in: 0...(schema ? 8 : 6), using: &random) {
    case 0, 1: try await domain.post(x: values, tenant)
    case 2, 3:
      // New and existing keys.
      let keys = Set(values.map { _ in "k\(Int.random(in: 0...40, using: &random))" }).sorted()
      try await domain.post(
        x: Array(values.prefix(keys.count)), keys: Array(keys.prefix(values.count)), tenant)
    case 4:
      for id in some.prefix(3) {
        let (flip, value) = (Bool.random(using: &random), Double.random(in: -9...9, using: &random))
        do {
          _ = try await domain.labels.change(tenant, dataset: "d", id: id) { _, old in
            var new = old
            if flip { new.label.toggle() }
            new.row.set(number: value, at: 0)
            new.row.set(category: "changed\(id % 5)", at: 0)
            return new
          }
        } catch DomainError.notFound {}
      }
    case 5:
      var filter = LabelFilter()
      filter.ids = Array(some.prefix(4))
      if !some.isEmpty { _ = try await domain.labels.delete(tenant, dataset: "d", where: filter) }
    case 6: try await domain.post(x: values, tenant)
    default:
      let number = Int.random(in: 0...1_000_000, using: &random)
      _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.features =
          dataset.features.map { FeatureDeclaration(name: $0.name, type: $0.type, categories: $0.categories) }
          + [
            FeatureDeclaration(name: "n\(number)", type: .discrete),
            FeatureDeclaration(name: "c\(number)", type: .categorical),
          ]
        return change
      }
      try await domain.post(
        "{\"labels\":[{\"features\":{\"x\":1,\"n\(number)\":4,\"c\(number)\":\"new\"},\"label\":1}]}", tenant)
    }
  }

  private func someIDs(_ random: inout SeededRandom) async throws -> [Int] {
    let (_, labels) = try await domain.labels.list(
      tenant, dataset: "d", after: Int.random(in: 0...300, using: &random), limit: 40)
    return labels.map(\.id).shuffled(using: &random)
  }
}
