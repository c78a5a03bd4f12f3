import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import RowFormats
import Testing
@testable import VerdictCore

/// Tests of creating, changing and deleting datasets.
@Suite struct DatasetTests {
  @Test func `a dataset's name is taken until the dataset is deleted`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let first = try await domain.dataset(tenant)
      await #expect(throws: DomainError.nameTaken(what: "dataset d")) { try await domain.dataset(tenant) }
      try await domain.post(x: [1, -1], tenant)
      try await domain.datasets.delete(tenant, named: "d")
      await #expect(throws: DomainError.notFound(what: "dataset d")) {
        try await domain.datasets.summary(tenant, named: "d")
      }
      let second = try await domain.dataset(tenant)
      #expect(second.id != first.id)
      #expect(try await domain.counts(tenant).stored == 0)
      try await domain.post(x: [1], tenant)
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      #expect(try await domain.countedRows() == (1, 0))
      let left = try await domain.asOwner {
        try await $0.query("SELECT id FROM datasets").map { try $0.decode(Int.self) }
      }
      #expect(left == [second.id])
    }
  }

  @Test func `features are appended after the present ones`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(#"{"labels":[{"features":{"x":1,"c":"a"},"label":1}]}"#, tenant)
      let changed = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.features = [
          .init(name: "x", type: .continuous), .init(name: "c", type: .categorical),
          .init(name: "y", type: .discrete),
          .init(name: "e", type: .categorical, categories: ["u", "v"]),
        ]
        return change
      }
      #expect(changed.dataset.features.map(\.slot) == [0, 0, 1, 1])
      try await domain.post(#"{"labels":[{"features":{"x":2,"y":7,"e":"v"},"label":0}]}"#, tenant)
      let (dataset, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10)
      let values = labels.map { label in dataset.features.map { label.row[$0] } }
      #expect(values[0] == [.number(1), .category("a"), .missing, .missing])
      #expect(values[1] == [.number(2), .missing, .number(7), .category("v")])
    }
  }

  @Test(arguments: [
    [FeatureDeclaration(name: "x", type: .continuous)],
    [.init(name: "c", type: .categorical), .init(name: "x", type: .continuous)],
    [.init(name: "x", type: .discrete), .init(name: "c", type: .categorical)],
    [.init(name: "x", type: .continuous), .init(name: "c", type: .categorical, categories: ["a"])],
  ])
  func `present features cannot be removed, retyped or reordered`(features: [FeatureDeclaration]) async throws
  {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let before = try await domain.dataset(tenant)
      await #expect(throws: DomainError.self) {
        try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
          var change = DatasetChange(of: dataset)
          change.features = features
          return change
        }
      }
      #expect(try await domain.datasets.summary(tenant, named: "d").dataset.features == before.features)
    }
  }
}
