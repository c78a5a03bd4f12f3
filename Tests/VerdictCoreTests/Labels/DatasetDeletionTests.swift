import DomainTestSupport
import Foundation
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests of deleting a dataset: it is gone when its deletion returns, and its rows are deleted afterwards in bounded
/// steps.
@Suite struct DatasetDeletionTests {
  @Test(.timeLimit(.minutes(10)))
  func `rows are deleted in bounded steps and the name is free at once`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let old = try await domain.dataset(tenant)
      let count = BoundedDeletion.rowsPerStep * 2 + 17
      try await domain.asOwner { connection in
        try await connection.query(
          """
          INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories)
          SELECT \(tenant), \(old.id), i % 2 = 0, ARRAY[i::float8], ARRAY['c'] FROM generate_series(1, \(count)) i
          """)
        // Records the number of rows that each step deleted.
        try await connection.query("CREATE TABLE steps (rows bigint)")
        try await connection.query(
          """
          CREATE FUNCTION note_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
          'BEGIN INSERT INTO steps SELECT count(*) FROM gone; RETURN NULL; END'
          """)
        try await connection.query(
          """
          CREATE TRIGGER note_step AFTER DELETE ON labels REFERENCING OLD TABLE AS gone
          FOR EACH STATEMENT EXECUTE FUNCTION note_step()
          """)
      }
      try await domain.datasets.delete(tenant, named: "d")
      await #expect(throws: DomainError.notFound(what: "dataset d")) {
        try await domain.post(x: [1], tenant)
      }
      let new = try await domain.dataset(tenant)
      #expect(new.id != old.id)
      try await domain.post(x: [1, 2, -3], tenant)
      #expect(try await domain.counts(tenant).stored == 3)
      let (_, labels) = try await domain.labels.list(tenant, dataset: "d", after: nil, limit: 10)
      #expect(labels.count == 3)

      try await Maintenance(database: domain.database, logger: domain.logger).maintain()
      #expect(try await domain.countedRows() == (2, 1))
      #expect(try await domain.counts(tenant).stored == 3)
      let steps = try await domain.asOwner { connection in
        try await connection.query("SELECT rows FROM steps WHERE rows > 0 ORDER BY rows DESC").map {
          try $0.decode(Int.self)
        }
      }
      #expect(steps == [BoundedDeletion.rowsPerStep, BoundedDeletion.rowsPerStep, 17])
    }
  }

  /// The quota counts the remaining rows, not the existing datasets.
  @Test(.timeLimit(.minutes(10)))
  func `the quota frees rows step by step`() async throws {
    try await TestDomain.with { domain in
      let tenant = try await domain.tenant()
      let dataset = try await domain.dataset(tenant)
      try await domain.post(x: (0..<25).map { Double($0) - 12 }, tenant)
      try await domain.datasets.delete(tenant, named: "d")
      let stored: @Sendable () async throws -> Int = {
        try await domain.database.transaction(for: tenant, readOnly: true) { tx in
          try await tx.query(
            "SELECT sum(positives + negatives)::bigint FROM label_counts WHERE tenant_id = \(tenant)"
          ).single().decode(Int.self)
        }
      }
      var deletion = BoundedDeletion(.labels, of: tenant, dataset: dataset.id, stepSize: 10)
      var seen = [try await stored()]
      while try await !deletion.run(in: domain.database, until: .now) { seen.append(try await stored()) }
      #expect(seen.prefix(4) == [25, 15, 5, 0])
      #expect(try await domain.countedRows() == (0, 0))
    }
  }
}
