import DomainTestSupport
import Foundation
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of concurrent writes of the same keys: no deadlock occurs, and each key has one row.
@Suite struct KeyRaceTests {
  /// PostgreSQL aborts a deadlocked transaction with SQLSTATE 40P01, which would be thrown here.
  @Test(.timeLimit(.minutes(10)), arguments: [1, 20, 300, 5_000])
  func `overlapping keys in opposite orders do not deadlock`(size: Int) async throws {
    try await TestDomain.with(connections: 12) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      // Half of the keys exist before, so that the same batches insert and update.
      let keys = (0..<size * 2).map { "k\($0)" }
      try await domain.post(x: keys.map { _ in 1 }, keys: keys, tenant)
      var all = Set(keys)
      let rounds = size > 1_000 ? 2 : 5
      let writers = 10
      var batches: [[String]] = []
      for writer in 0..<writers {
        // From the middle of the existing keys to far beyond them, shuffled differently by each writer.
        let start = size + writer * size / 10
        let range = (start..<start + size).map { "k\($0)" }
        batches.append(writer % 3 == 0 ? range : writer % 3 == 1 ? range.reversed() : range.shuffled())
        all.formUnion(range)
      }
      let outcomes = try await withThrowingTaskGroup(of: [LabelIngest.Outcome].self) { group in
        for (writer, keys) in batches.enumerated() {
          group.addTask {
            var outcomes: [LabelIngest.Outcome] = []
            for round in 0..<rounds {
              let x = Double(writer * 10 + round)
              outcomes.append(
                try await domain.post(
                  x: keys.map { _ in x }, label: { _ in (writer + round) % 2 == 0 }, keys: keys, tenant))
            }
            return outcomes
          }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(outcomes.allSatisfy { $0.inserted + $0.updated == size })
      #expect(outcomes.reduce(0) { $0 + $1.inserted } == all.count - keys.count)
      let counts = try await domain.counts(tenant)
      let rows = try await domain.countedRows()
      #expect((counts.positives, counts.negatives) == rows)
      #expect(counts.stored == all.count)
      let distinct = try await domain.asOwner { connection in
        try await connection.query("SELECT count(DISTINCT key) FROM labels").first?.decode(Int.self)
      }
      #expect(distinct == all.count)
    }
  }

  /// Corrections and deletions of one, many and all rows run between upserts of the same rows.
  @Test(.timeLimit(.minutes(10)))
  func `upserts, corrections and deletions do not deadlock`() async throws {
    try await TestDomain.with(connections: 12) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      let keys = (0..<60).map { "k\($0)" }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<24 {
          group.addTask {
            for round in 0..<8 {
              switch (worker + round) % 4 {
              case 0, 1:
                try await domain.post(x: keys.map { _ in Double(round - 4) }, keys: keys.shuffled(), tenant)
              case 2:
                var filter = LabelFilter()
                if worker % 2 == 0 { filter.all = true } else { filter.keys = keys.shuffled() }
                _ = try await domain.labels.delete(tenant, dataset: "d", where: filter)
              default:
                let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10)
                for label in labels.shuffled() {
                  do {
                    _ = try await domain.labels.change(tenant, dataset: "d", id: label.id) { _, label in
                      var label = label
                      label.label.toggle()
                      return label
                    }
                  } catch DomainError.notFound {
                    // Another task has deleted the row.
                  }
                }
              }
            }
          }
        }
        try await group.waitForAll()
      }
      let counts = try await domain.counts(tenant)
      #expect(try await domain.countedRows() == (counts.positives, counts.negatives))
      #expect(counts.stored <= keys.count)
    }
  }

  /// Ids, and with them pages and exports, follow the order of the request, with and without keys.
  @Test func `ids follow the order of a request with keys`() async throws {
    try await TestDomain.with(connections: 1) { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      let keys = (0..<3_000).map { "k\($0 * 7_919 % 3_000)" }
      try await domain.post(x: (0..<3_000).map { Double($0) }, keys: keys, tenant)
      // Replaced rows keep their ids.
      try await domain.post(x: [7], keys: [keys[1_500]], tenant)
      let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10_000)
      #expect(labels.map(\.key) == keys)
    }
  }
}
