import DomainTestSupport
import Foundation
import PostgreSQL
import RowFormats
import Testing

@testable import VerdictCore

/// Tests of the audit log: each act is recorded in its transaction, with its actor, and cannot be changed.
@Suite struct AuditTests {
  @Test func `every act is recorded once`() async throws {
    try await TestDomain.with { domain in
      let (tenant, key) = try await TenantStore(database: domain.database).create(
        name: "acme", keyName: "first")
      let actor = Actor.key(key.key.id)
      let new = NewDataset(name: "d", features: [FeatureDeclaration(name: "x", type: .continuous)])
      _ = try await domain.database.transaction(for: tenant.id) { tx in
        try await domain.datasets.create(tenant.id, new, by: actor, in: tx)
      }
      try await domain.post("{\"labels\":[{\"features\":{\"x\":1},\"label\":1}]}", tenant.id)
      _ = try await domain.datasets.change(tenant.id, named: "d", domain.autoTraining, by: actor) { dataset in
        DatasetChange(of: dataset)
      }
      var all = LabelFilter()
      all.all = true
      let filter = all
      #expect(try await domain.labels.delete(tenant.id, dataset: "d", where: filter, by: actor) == 1)
      // A deletion of no rows is not recorded.
      #expect(try await domain.labels.delete(tenant.id, dataset: "d", where: filter, by: actor) == 0)
      try await domain.datasets.delete(tenant.id, named: "d", by: actor)
      _ = try await TenantStore(database: domain.database).setLimits(tenant.id) { $0[set: .rows] = 5 }
      try await KeyStore(database: domain.database).revoke(tenant.id, id: key.key.id, by: actor)
      let entries = try await AuditLog(database: domain.database).list(tenant.id, before: nil, limit: 100)
      #expect(
        entries.map(\.action) == [
          "key.revoked", "limits.set", "dataset.deleted", "labels.deleted", "dataset.changed",
          "dataset.created",
          "key.created", "tenant.created",
        ])
      #expect(entries.first?.actor == actor)
      #expect(entries.first?.keyName == "first")
      #expect(entries[1].actor == .commandLine)
      #expect(entries[1].detail == "rows 5")
      #expect(entries[3].detail == "1 label")
      let page = try await AuditLog(database: domain.database).list(
        tenant.id, before: entries[1].id, limit: 2)
      #expect(page == Array(entries[2...3]))
    }
  }

  @Test func `an act that is rolled back is not recorded`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      await #expect(throws: DomainError.self) {
        try await KeyStore(database: domain.database).revoke(tenant, id: 999_999, by: .key(1))
      }
      let entries = try await AuditLog(database: domain.database).list(tenant, before: nil, limit: 100)
      #expect(entries.map(\.action) == ["key.created", "tenant.created"])
    }
  }

  @Test func `entries cannot be changed or deleted`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      for statement: Query in ["UPDATE audit_entries SET action = 'a.b'", "DELETE FROM audit_entries"] {
        let error = await #expect(throws: PostgreSQLError.self) {
          try await domain.database.transaction(for: tenant) { tx in _ = try await tx.query(statement) }
        }
        #expect(error?.sqlState == .insufficientPrivilege)
      }
    }
  }
}
