import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import RowFormats
import TestSupport
import Testing

@testable import VerdictCore

/// Reading what has changed gives what reading everything gives, to the last bit.
@Suite struct IncrementalReadingTests {
  @Test(.timeLimit(.minutes(3)), arguments: 0..<6)
  func `whatever was done to the labels, both ways of reading agree`(seed: UInt64) async throws {
    try await TestDomain.with { domain in
      let shop = try await Shop(domain, seed: seed)
      try await shop.post(200)
      try await shop.settle()
      var random = SeededRandom(seed: seed)
      var previous: LogisticModel?
      for round in 0..<12 {
        for _ in 0..<Int.random(in: 0...5, using: &random) { try await shop.step(&random) }
        let (kept, fresh) = try await shop.readBothWays()
        try expectSame(kept.table, fresh.table)
        #expect(kept.lastLabelID == fresh.lastLabelID && kept.changes == fresh.changes)
        #expect(kept.rowsRead < fresh.rowsRead, "round \(round)")
        let models = try [kept, fresh].map {
          try train($0.table, parameters: TrainingParameters(), warmStart: previous).model
        }
        let texts = try models.map { try $0.exportJSON() }
        #expect(texts[0] == texts[1])
        previous = models[0]
      }
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `both ways agree while others write`() async throws {
    try await TestDomain.with(connections: 16) { domain in
      let shop = try await Shop(domain, seed: 7)
      try await shop.post(500)
      let writers = (0..<4).map { number in
        Task {
          var random = SeededRandom(seed: UInt64(number) + 100)
          while !Task.isCancelled { try await shop.step(&random, schema: false) }
        }
      }
      // A transaction that has its number and its ids long before it commits, as a large upload has.
      let late = Task {
        try await domain.database.transaction(for: shop.tenant) { tx in
          try await tx.pipeline([
            "SELECT FROM datasets WHERE id = \(shop.dataset) FOR KEY SHARE",
            """
            INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
            VALUES (\(shop.tenant), \(shop.dataset), true, '{7}', '{late}'), (\(shop.tenant), \(shop.dataset), false, '{8}', '{late}')
            """,
            """
            INSERT INTO label_counts AS c VALUES (\(shop.tenant), \(shop.dataset), 3, 1, 1, 2)
            ON CONFLICT (tenant_id, dataset_id, shard) DO UPDATE SET
              positives = c.positives + 1, negatives = c.negatives + 1, changes = c.changes + 2
            """,
          ])
          try await Task.sleep(for: .milliseconds(800))
        }
      }
      for _ in 0..<40 {
        let (kept, fresh) = try await shop.readBothWays()
        try expectSame(kept.table, fresh.table)
      }
      try await late.value
      let (kept, fresh) = try await shop.readBothWays()
      try expectSame(kept.table, fresh.table)
      for writer in writers { writer.cancel() }
      for writer in writers { _ = await writer.result }
      try await shop.settle()
    }
  }

  @Test func `nothing is kept of a large dataset that does not train by itself, nor beyond the bound`()
    async throws
  {
    try await TestDomain.with { domain in
      let shop = try await Shop(domain, seed: 1)
      try await shop.post(100)
      _ = try await shop.readBothWays()
      #expect(shop.cache.byteCount > 100 * (9 + 8 + 4))
      _ = try await domain.datasets.change(shop.tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings.autoTrain = .off
        return change
      }
      // Small enough to be kept all the same; not so where less counts as small.
      _ = try await shop.readBothWays()
      #expect(shop.cache.byteCount > 0)
      let large = LabelCache(bytes: 1 << 20)
      _ = try await LabelReader(database: domain.database, cache: large, small: 500, logger: domain.logger)
        .read(shop.tenant, dataset: shop.dataset) { _, _ in }
      #expect(large.byteCount == 0)
      _ = try await domain.datasets.change(shop.tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.settings.autoTrain = AutoTrain(enabled: true, minNewLabels: 1_000_000, maxDelaySeconds: 0)
        return change
      }
      // Kept, and gone when nobody has used it for long: its dataset may have gone.
      _ = try await shop.readBothWays()
      shop.cache.forget(unusedSince: .now - .seconds(3_600))
      #expect(shop.cache.byteCount > 0)
      shop.cache.forget(unusedSince: .now + .seconds(3_600))
      #expect(shop.cache.byteCount == 0)
      let small = LabelCache(bytes: 500)
      _ = try await LabelReader(database: domain.database, cache: small, logger: domain.logger)
        .read(shop.tenant, dataset: shop.dataset) { _, _ in }
      #expect(small.byteCount == 0)
    }
  }

  @Test func `a change that a statement does not number is numbered all the same`() async throws {
    try await TestDomain.with { domain in
      let shop = try await Shop(domain, seed: 2)
      try await shop.post(50)
      try await shop.settle()
      try await domain.asOwner {
        _ = try await $0.query("UPDATE labels SET numbers = '{-1000}' WHERE id % 7 = 0")
      }
      let (kept, fresh) = try await shop.readBothWays()
      try expectSame(kept.table, fresh.table)
      #expect((5...10).contains(kept.rowsRead))
    }
  }

  @Test func `after PostgreSQL was started anew everything is read`() throws {
    let mark = HighWaterMark(position: 7, horizon: 10)
    let columns = TrainingColumns(features: [], expectedRows: 0)
    func read(_ oldest: Int) -> ReadLabels {
      ReadLabels(
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

  @Test func `a transaction that outlasts many readings does not make them start over`() throws {
    let snapshot = LabelSnapshot(oldestRunning: 10, serverStart: 1)
    var marks = [HighWaterMark(position: 7, horizon: 10)]
    for reading in 0..<100 {
      let read = ReadLabels(
        columns: TrainingColumns(features: [], expectedRows: 0), changes: 0, snapshot: snapshot, marks: marks)
      #expect(read.position(for: snapshot) == 7)
      marks = read.marks(and: HighWaterMark(position: 8 + reading, horizon: 20 + reading))
      #expect(marks.count <= ReadLabels.marksKept)
    }
    // As soon as it ends, the newest one serves.
    let after = LabelSnapshot(oldestRunning: 1_000, serverStart: 1)
    let read = ReadLabels(
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

/// A dataset to which things are done at random.
private struct Shop: Sendable {
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

  /// Both readings in one snapshot.
  func readBothWays() async throws -> (kept: LabelReader.Reading, fresh: LabelReader.Reading) {
    let mark = try await HighWaterMark.make(tenant, in: domain.database)
    let keeping = LabelReader(database: domain.database, cache: cache, logger: domain.logger)
    let forgetting = LabelReader(
      database: domain.database, cache: LabelCache(bytes: 0), logger: domain.logger)
    return try await domain.database.transaction(for: tenant, isolation: .repeatableRead, readOnly: true) {
      tx in
      let kept = try await keeping.read(tenant, dataset: dataset, mark: mark, in: tx) { _, _ in }
      return (kept, try await forgetting.read(tenant, dataset: dataset, mark: mark, in: tx) { _, _ in })
    }
  }

  /// Reads until there is nothing to read: other tests' transactions on the same server may be older than the first mark.
  func settle() async throws {
    for _ in 0..<1_000 {
      if try await readBothWays().kept.rowsRead == 0 { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("everything is read each time")
  }

  /// One thing that a client may do.
  func step(_ random: inout SeededRandom, schema: Bool = true) async throws {
    let values = (0..<Int.random(in: 1...20, using: &random)).map { _ in
      Double.random(in: -3...3, using: &random)
    }
    let some = try await someIDs(&random)
    switch Int.random(in: 0...(schema ? 8 : 6), using: &random) {
    case 0, 1: try await domain.post(x: values, tenant)
    case 2, 3:
      // New keys and known ones.
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
