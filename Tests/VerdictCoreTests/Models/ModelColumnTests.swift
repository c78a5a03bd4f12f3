import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of the columns from which lists show models.
@Suite struct ModelColumnTests {
  /// Changes stored models so that reading one as a whole would fail, which shows that lists read columns.
  private func spoilModels(_ domain: TestDomain, _ change: Query) async throws {
    _ = try await domain.asOwner { try await $0.query("UPDATE models SET " + change) }
  }

  @Test func `lists and activation read no whole model`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: (0..<40).map { Double($0 % 9) - 4 }, tenant)
      try await domain.train(tenant)
      let model = try await domain.models.model(tenant, dataset: "d", version: 1)
      #expect(model.summary.threshold == model.model.threshold)
      #expect(model.summary.converged == model.model.converged)
      try await spoilModels(domain, "model = '{}', warnings = '{}', curves = '{}'")
      await #expect(throws: (any Error).self) {
        try await domain.models.model(tenant, dataset: "d", version: 1)
      }
      let listed = try await domain.models.list(tenant, dataset: "d", before: nil, limit: 10)
      #expect(listed.map(\.converged) == [model.model.converged])
      #expect(listed.map(\.kpis) == [model.summary.kpis])
      let activated = try await domain.models.activate(tenant, dataset: "d", version: 1)
      #expect(activated.isActive && activated.version == 1)
      #expect(try await domain.models.history(tenant, dataset: "d", after: nil, limit: 10).count == 1)
      #expect(try await domain.datasets.summary(tenant, named: "d").activeModel?.version == 1)
    }
  }

  /// A server that does not know the column leaves it NULL.
  @Test func `the maintenance fills the column of older models`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.dataset(tenant)
      try await domain.post(x: (0..<40).map { Double($0 % 9) - 4 }, tenant)
      try await domain.train(tenant)
      try await domain.asOwner { connection in
        for version in 2...25 {
          try await connection.query(
            """
            INSERT INTO models (tenant_id, dataset_id, version, job_id, trigger, labels_used, last_label_id, parameters,
                                model, curves, warnings)
            SELECT tenant_id, dataset_id, \(Int32(version)), job_id, trigger, labels_used, last_label_id, parameters,
                   jsonb_set(model, '{converged}', \(version % 2 == 0 ? "true" : "false")::text::jsonb), curves, warnings
            FROM models WHERE version = 1
            """)
          try await connection.query(
            """
            INSERT INTO kpis (tenant_id, dataset_id, model_version, job_id, trigger, kpis)
            SELECT tenant_id, dataset_id, \(Int32(version)), job_id, trigger, kpis FROM kpis WHERE model_version = 1
            """)
        }
      }
      let unfilled: @Sendable () async throws -> Int = {
        try await domain.asOwner {
          try await $0.query("SELECT count(*) FROM models WHERE converged IS NULL").single().decode(Int.self)
        }
      }
      let converged: @Sendable () async throws -> [Bool] = {
        try await domain.models.list(tenant, dataset: "d", before: nil, limit: 24).map(\.converged)
      }
      let expected = (2...25).reversed().map { $0 % 2 == 0 }
      #expect(try await unfilled() == 24)
      #expect(try await converged() == expected)
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      #expect(try await unfilled() == 0)
      #expect(try await converged() == expected)
    }
  }
}
