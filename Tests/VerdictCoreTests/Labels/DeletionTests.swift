import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing
@testable import VerdictCore

/// Tests of deleting labels by filter and by id.
@Suite struct DeletionTests {
  @Test func `filters select the matching labels`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [1, 2, 3, -1], keys: ["a", "b", "c", "d"], tenant)
      try await domain.post(x: [5, -5], tenant)
      func delete(_ change: (inout LabelFilter) -> Void) async throws -> Int {
        var filter = LabelFilter()
        change(&filter)
        return try await domain.labels.delete(tenant, dataset: "d", where: filter)
      }
      #expect(try await delete { _ in } == 0)
      #expect(try await delete { $0.keys = ["a", "zzz"] } == 1)
      #expect(try await delete { $0.source = .prediction } == 0)
      #expect(try await delete { $0.createdBefore = Date(timeIntervalSinceNow: -3_600) } == 0)
      let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10)
      let id = try #require(labels.last).id
      // The conditions of a filter are combined with AND.
      #expect(
        try await delete {
          $0.ids = [id]; $0.keys = ["b"]
        } == 0)
      #expect(try await delete { $0.ids = [id] } == 1)
      #expect(try await domain.countedRows() == (3, 1))
      #expect(try await delete { $0.createdBefore = Date(timeIntervalSinceNow: 3_600) } == 4)
      #expect(try await domain.counts(tenant).stored == 0)
      #expect(try await domain.countedRows() == (0, 0))
    }
  }

  @Test func `deleting an absent label is an error`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      await #expect(throws: DomainError.notFound(what: "label 77")) {
        try await domain.labels.delete(tenant, dataset: "d", id: 77)
      }
    }
  }
}
