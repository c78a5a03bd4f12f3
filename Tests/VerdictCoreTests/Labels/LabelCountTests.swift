import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import RowFormats
import Testing
@testable import VerdictCore

/// Tests of the counts behind `labels_stored`: they are exact under concurrent changes.
@Suite struct LabelCountTests {
  @Test func `posts and upserts are counted`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      let first = try await domain.post(x: [-1, 1, 2], keys: ["a", "b", "c"], tenant)
      #expect(first == .init(inserted: 3, updated: 0, labelsStored: 3, trainingJob: nil))
      // `a` changes from 0 to 1, `b` stays 1, and `d` is new.
      let second = try await domain.post(x: [5, 6, -7], keys: ["a", "b", "d"], tenant)
      #expect(second == .init(inserted: 1, updated: 2, labelsStored: 4, trainingJob: nil))
      let counts = try await domain.counts(tenant)
      #expect(counts == LabelCounts(positives: 3, negatives: 1, changes: 6))
    }
  }

  @Test func `counts are exact after concurrent writes and deletions`() async throws {
    try await TestDomain.with(connections: 16) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<50 {
          group.addTask {
            var random = SystemRandomNumberGenerator()
            for _ in 0..<6 {
              switch Int.random(in: 0..<4, using: &random) {
              case 0:
                try await domain.post(x: (0..<20).map { Double($0 - 10) }, tenant)
              case 1:
                // Overlapping keys, shuffled differently by each writer.
                let keys = (0..<20).map { "k\($0)" }.shuffled()
                try await domain.post(x: keys.map { _ in .random(in: -5...5) }, keys: keys, tenant)
              case 2:
                var filter = LabelFilter()
                filter.keys = (0..<20).map { "k\($0)" }.shuffled()
                _ = try await domain.labels.delete(tenant, dataset: "d", where: filter)
              default:
                var filter = LabelFilter()
                filter.ids = (1...200).map { _ in .random(in: 1...2_000) }
                _ = try await domain.labels.delete(tenant, dataset: "d", where: filter)
              }
              if worker == 0 { _ = try await domain.counts(tenant) }
            }
          }
        }
        try await group.waitForAll()
      }
      let counts = try await domain.counts(tenant)
      let rows = try await domain.countedRows()
      #expect((counts.positives, counts.negatives) == rows)
    }
  }

  @Test func `correcting a label moves its count`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [1, 2], tenant)
      let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10)
      let id = try #require(labels.first).id
      _ = try await domain.labels.change(tenant, dataset: "d", id: id) { _, label in
        var label = label
        label.label = false
        return label
      }
      let counts = try await domain.counts(tenant)
      #expect(counts == LabelCounts(positives: 1, negatives: 1, changes: 3))
    }
  }

  @Test func `ids follow the order of a request without keys`() async throws {
    try await TestDomain.with(connections: 1) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      // Rows of very different sizes leave free space at the ends of pages, which later rows would fill.
      let rows = (0..<3_000).map { index in
        #"{"features":{"x":\#(index),"c":"\#(String(repeating: "c", count: 1 + (index * 37) % 900))"},"label":\#(index % 2)}"#
      }
      for _ in 0..<2 { try await domain.post("{\"labels\":[\(rows.joined(separator: ","))]}", tenant) }
      let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10_000)
      #expect(labels.map { $0.row.numbers[0] } == (0..<6_000).map { Double($0 % 3_000) })
    }
  }

  @Test func `a failed batch stores nothing`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant)
      struct Broken: Error {}
      let batch = try JSONLabelReader(schema: dataset.schema).read(
        Array(#"{"labels":[{"features":{"x":1},"label":1}]}"#.utf8))
      await #expect(throws: Broken.self) {
        try await domain.database.transaction(for: tenant) { tx in
          let count = Counter()
          _ = try await domain.ingest.stage(in: tx, tenant, dataset: dataset) {
            guard await count.next() < 3 else { throw Broken() }
            return batch
          }
        }
      }
      #expect(try await domain.countedRows() == (0, 0))
      // The connection that returned to the pool is usable.
      try await domain.post(x: [1], tenant)
      #expect(try await domain.countedRows() == (1, 0))
    }
  }
}

private actor Counter {
  private var value = 0

  func next() -> Int {
    defer { value += 1 }
    return value
  }
}
