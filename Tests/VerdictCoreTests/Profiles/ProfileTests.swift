import DomainTestSupport
import Foundation
import JobQueue
import Learning
import PostgreSQL
import RowFormats
import TestSupport
import Testing

@testable import VerdictCore

/// Tests of profiles: stored by trainings, computed from all labels or from a sample, and gone with deleted labels.
@Suite struct ProfileTests {
  private func profile(
    _ domain: TestDomain, _ tenant: TenantID, after cursor: Int? = nil, limit: Int = 100
  ) async throws -> DatasetProfile {
    // A store of its own keeps no result of earlier calls.
    try await ProfileStore(database: domain.database).profile(
      tenant, dataset: "d", after: cursor, limit: limit)
  }

  private func storedProfiles(_ domain: TestDomain) async throws -> Int {
    try await domain.asOwner { try await $0.query("SELECT count(*) FROM profiles").single().decode(Int.self) }
  }

  /// Reads and trains as a worker does; `between` runs after the labels have been read.
  private func train(
    _ domain: TestDomain, _ tenant: TenantID, between: () async throws -> Void = {}
  ) async throws {
    let dataset = try await domain.datasets.dataset(tenant, named: "d")
    let reader = LabelReader(
      database: domain.database, cache: LabelCache(bytes: 0), logger: domain.logger)
    let data = try await reader.read(tenant, dataset: dataset.id) { _, _ in }
    try await between()
    // The model of the training; its contents do not matter here.
    try await domain.asOwner { connection in
      _ = try await connection.query(
        """
        INSERT INTO models (tenant_id, dataset_id, version, job_id, trigger, labels_used, last_label_id, parameters, model,
                            curves, warnings, labels_deleted_since)
        SELECT \(tenant), \(dataset.id), coalesce(max(version), 0) + 1, 7, 'manual', \(data.table.rowCount),
               \(data.lastLabelID), '{}', '{}', '{}', '[]', 0
        FROM models WHERE tenant_id = \(tenant)
        """)
    }
    await ProfileRecorder(database: domain.database, logger: domain.logger).record(data, tenant, job: 7)
    try await domain.asOwner { _ = try await $0.query("UPDATE models SET job_id = 1") }
  }

  @Test func `a dataset without labels has an empty profile`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      let told = try await profile(domain, tenant)
      #expect(told.extent.isExact && told.extent.labels == 0 && told.labelsStored == 0)
      #expect(told.features.map(\.name) == ["x", "c"] && told.features.allSatisfy { $0.all.count == 0 })
      await #expect(throws: DomainError.notFound(what: "dataset e")) {
        try await ProfileStore(database: domain.database).profile(tenant, dataset: "e", after: nil, limit: 1)
      }
      let other = try await domain.tenant("other")
      await #expect(throws: DomainError.notFound(what: "dataset d")) { try await profile(domain, other) }
    }
  }

  @Test func `a small dataset is described exactly at every moment`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [-2, -1, 1, 2, 3], tenant)
      try await domain.post(
        #"{"labels":[{"features":{"x":null,"c":"odd"},"label":1},{"features":{},"label":0}]}"#, tenant)
      let told = try await profile(domain, tenant)
      #expect(told.extent.isExact && told.extent.labels == 7 && told.changesSince == 0)
      #expect((told.extent.positives, told.extent.negatives) == (4, 3))
      let x = try #require(told.features.first)
      #expect((x.all.count, x.all.missing, x.all.numbers?.maximum) == (5, 2, 3))
      #expect((x.positives.count, x.negatives.missing) == (3, 1))
      let c = try #require(told.features.last?.categories)
      #expect(c.top.map(\.value) == ["small", "big", "odd"] && c.top.map(\.positives) == [1, 2, 1])
      #expect(try await storedProfiles(domain) == 0)
      try await domain.post(x: [9], tenant)
      #expect(try await profile(domain, tenant).features.first?.all.numbers?.maximum == 9)
    }
  }

  @Test func `a training stores the profile, which is the answer until the labels have changed much`()
    async throws
  {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: (0..<100).map { Double($0) - 50 }, tenant)
      try await train(domain, tenant)
      #expect(try await storedProfiles(domain) == 1)
      try await domain.post(x: Array(repeating: 1_000, count: 5), tenant)
      let told = try await profile(domain, tenant)
      #expect(told.extent.isExact && told.extent.labels == 100 && told.changesSince == 5)
      #expect(told.labelsStored == 105 && told.features.first?.all.numbers?.maximum == 49)
      let page = try await profile(domain, tenant, after: 1, limit: 1)
      #expect(page.features.map(\.name) == ["c"])
      #expect(try await profile(domain, tenant, limit: 1).features.map(\.name) == ["x"])
      try await domain.post(x: [2_000], tenant)
      let present = try await profile(domain, tenant)
      #expect(present.changesSince == 0 && present.features.first?.all.numbers?.maximum == 2_000)
      #expect(try await profile(domain, tenant, after: 1, limit: 1).features.map(\.name) == ["c"])
      // The next training replaces the profile.
      try await train(domain, tenant)
      #expect(try await profile(domain, tenant).extent.labels == 106)
      #expect(try await storedProfiles(domain) == 1)
    }
  }

  @Test func `an added feature is described at once`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [1, 2, -3], tenant)
      try await train(domain, tenant)
      _ = try await domain.datasets.change(tenant, named: "d", domain.autoTraining) { dataset in
        var change = DatasetChange(of: dataset)
        change.features =
          [
            FeatureDeclaration(name: "x", type: .continuous),
            FeatureDeclaration(name: "c", type: .categorical),
          ]
          + [FeatureDeclaration(name: "z", type: .discrete)]
        return change
      }
      let told = try await profile(domain, tenant)
      #expect(told.features.map(\.name) == ["x", "c", "z"] && told.features[2].all.missing == 3)
    }
  }

  @Test func `deleted labels leave no profile`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: (0..<60).map { Double($0) - 30 }, keys: (0..<60).map { "k\($0)" }, tenant)
      try await train(domain, tenant)
      #expect(try await storedProfiles(domain) == 1)
      var filter = LabelFilter()
      filter.keys = ["none"]
      #expect(try await domain.labels.delete(tenant, dataset: "d", where: filter) == 0)
      #expect(try await storedProfiles(domain) == 1)
      filter.keys = ["k59"]
      #expect(try await domain.labels.delete(tenant, dataset: "d", where: filter) == 1)
      #expect(try await storedProfiles(domain) == 0)
      #expect(try await profile(domain, tenant).features.first?.all.numbers?.maximum == 28)
    }
  }

  @Test func `a training stores no profile of labels that were deleted meanwhile`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: [-1, 1, 2], keys: ["a", "b", "c"], tenant)
      try await train(domain, tenant)
      try await domain.asOwner { _ = try await $0.query("DELETE FROM profiles") }
      // A model that is marked by a deletion is one of labels that are gone.
      let dataset = try await domain.datasets.dataset(tenant, named: "d")
      let data = try await LabelReader(
        database: domain.database, cache: LabelCache(bytes: 0), logger: domain.logger
      ).read(tenant, dataset: dataset.id) { _, _ in }
      var filter = LabelFilter()
      filter.keys = ["c"]
      #expect(try await domain.labels.delete(tenant, dataset: "d", where: filter) == 1)
      let recorder = ProfileRecorder(database: domain.database, logger: domain.logger)
      await recorder.record(data, tenant, job: 1)
      #expect(try await storedProfiles(domain) == 0)
      await recorder.record(data, tenant, job: 99)
      #expect(try await storedProfiles(domain) == 0)
    }
  }

  @Test func `a deleted dataset and an erased tenant have no profile`() async throws {
    try await TestDomain.with { domain in
      for name in ["one", "two"] {
        let tenant = try await domain.tenant(name)
        try await domain.dataset(tenant)
        try await domain.post(x: [1, 2, -3], tenant)
        try await train(domain, tenant)
        #expect(try await storedProfiles(domain) == 1)
        if name == "one" {
          try await domain.datasets.delete(tenant, named: "d")
          try await Maintenance(database: domain.database, logger: domain.logger).maintain()
        } else {
          try await TenantStore(database: domain.database).delete(tenant)
        }
        #expect(try await storedProfiles(domain) == 0)
      }
    }
  }

  /// 60,000 labels with gaps between their ids, as other datasets leave them; the number is about the row's age.
  @Test func `a large dataset is sampled evenly`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant)
      try await domain.asOwner { connection in
        // The second half of the rows has ids that are ten times sparser.
        _ = try await connection.query(
          """
          INSERT INTO labels (tenant_id, dataset_id, id, label, numbers, categories)
          SELECT \(tenant), \(dataset.id), CASE WHEN n <= 30000 THEN n ELSE 30000 + (n - 30000) * 10 END, n % 4 = 0,
                 ARRAY[n::double precision], ARRAY['k' || n % 3]
          FROM generate_series(1, 60000) n
          """)
        _ = try await connection.query(
          """
          INSERT INTO label_counts (tenant_id, dataset_id, shard, positives, negatives, changes)
          VALUES (\(tenant), \(dataset.id), 0, 15000, 45000, 60000)
          """)
      }
      let told = try await profile(domain, tenant)
      #expect(!told.extent.isExact && told.labelsStored == 60_000 && told.changesSince == 0)
      // Systematic sampling: the number of rows varies little.
      #expect(abs(told.extent.labels - 50_000) < 1_000, "\(told.extent.labels)")
      #expect(abs(Double(told.extent.positives) / Double(told.extent.labels) - 0.25) < 0.01)
      let x = try #require(told.features.first?.all.numbers)
      #expect(abs(x.mean - 30_000) < 600 && abs(x.quantiles[2] - 30_000) < 900, "\(x)")
      #expect(abs(x.quantiles[0] - 3_000) < 600 && abs(x.quantiles[4] - 57_000) < 600, "\(x)")
      #expect(told.features.last?.all.distinct == 3)
    }
  }
}
