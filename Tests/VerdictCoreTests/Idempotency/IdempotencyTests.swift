import DomainTestSupport
import Foundation
import Learning
import PostgreSQL
import RowFormats
import Testing
@testable import VerdictCore

/// Tests of storing and replaying the results of requests with an idempotency key.
@Suite struct IdempotencyTests {
  private let request = IdempotentRequest(key: "k", operation: "POST /x", bodyHash: Data([1]))
  private let answer = StoredResult(code: 201, metadata: ["Location": "/x/1"], body: Data("{}".utf8))

  @Test func `a result is replayed to the same request only`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.database.transaction(for: tenant) { tx in
        let earlier = try await Idempotency.begin(tenant, request, in: tx)
        #expect(earlier == nil)
        try await Idempotency.complete(tenant, request, result: answer, in: tx)
      }
      try await domain.database.transaction(for: tenant) { tx in
        let earlier = try await Idempotency.begin(tenant, request, in: tx)
        #expect(earlier == answer)
      }
      for (operation, hash) in [("POST /y", Data([1])), ("POST /x", Data([2]))] {
        await #expect(throws: DomainError.idempotencyKeyReused) {
          try await domain.database.transaction(for: tenant) { tx in
            _ = try await Idempotency.begin(
              tenant, IdempotentRequest(key: "k", operation: operation, bodyHash: hash), in: tx)
          }
        }
      }
    }
  }

  @Test func `a result belongs to its dataset and not to the name`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let datasets = DatasetStore(database: domain.database)
      let new = NewDataset(name: "d", features: [FeatureDeclaration(name: "x", type: .continuous)])
      let request = IdempotentRequest(key: "k", operation: "POST /x", bodyHash: Data([1]), dataset: "d")
      for isOlderServer in [false, true, false] {
        try await domain.database.transaction(for: tenant) { tx in
          _ = try await datasets.create(tenant, new, in: tx)
        }
        let before = try await Idempotency.kept(tenant, key: "k", dataset: "d", in: domain.database)
        #expect(before == nil)
        try await domain.database.transaction(for: tenant) { tx in
          let earlier = try await Idempotency.begin(tenant, request, in: tx)
          #expect(earlier == nil)
          try await Idempotency.complete(tenant, request, result: answer, in: tx)
          if isOlderServer {
            try await tx.query("UPDATE idempotency_keys SET dataset_id = NULL WHERE tenant_id = \(tenant)")
          }
        }
        let kept = try await Idempotency.kept(tenant, key: "k", dataset: "d", in: domain.database)
        #expect(try kept?.result(of: request) == answer)
        try await datasets.delete(tenant, named: "d")
      }
    }
  }

  @Test func `tenants do not share keys`() async throws {
    try await TestDomain.with { domain in
      for name in ["mine", "theirs"] {
        let tenant = try await domain.tenant(name)
        try await domain.database.transaction(for: tenant) { tx in
          let earlier = try await Idempotency.begin(tenant, request, in: tx)
          #expect(earlier == nil)
          try await Idempotency.complete(tenant, request, result: answer, in: tx)
        }
      }
    }
  }

  @Test func `a key in use by another transaction is reported`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.database.transaction(for: tenant) { tx in
        _ = try await Idempotency.begin(tenant, request, in: tx)
        await #expect(throws: DomainError.idempotencyKeyInUse) {
          try await domain.database.transaction(for: tenant) {
            _ = try await Idempotency.begin(tenant, request, in: $0)
          }
        }
      }
    }
  }

  @Test func `a key is free again after a rollback`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      struct Refused: Error {}
      await #expect(throws: Refused.self) {
        try await domain.database.transaction(for: tenant) { tx in
          _ = try await Idempotency.begin(tenant, request, in: tx)
          try await Idempotency.complete(tenant, request, result: answer, in: tx)
          throw Refused()
        }
      }
      try await domain.database.transaction(for: tenant) { tx in
        let earlier = try await Idempotency.begin(tenant, request, in: tx)
        #expect(earlier == nil)
      }
    }
  }

  @Test func `a result expires after a day`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      try await domain.database.transaction(for: tenant) { tx in
        _ = try await Idempotency.begin(tenant, request, in: tx)
        try await Idempotency.complete(tenant, request, result: answer, in: tx)
        try await tx.query("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
      }
      try await domain.database.transaction(for: tenant) { tx in
        let earlier = try await Idempotency.begin(tenant, request, in: tx)
        #expect(earlier == nil)
      }
      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      let left = try await domain.asOwner {
        try await $0.query("SELECT count(*) FROM idempotency_keys").first?.decode(Int.self)
      }
      #expect(left == 0)
    }
  }
}
