import DomainTestSupport
import PostgreSQL
import Testing

@testable import VerdictCore

/// Tests that the definition of the columns of predictions agrees with the schema.
@Suite struct PredictionColumnTests {
  @Test func `each column of the table is defined`() async throws {
    try await TestDomain.with { domain in
      let stored = try await domain.asOwner { connection in
        try await connection.query(
          """
          SELECT column_name::text FROM information_schema.columns
          WHERE table_name = 'predictions' AND column_name NOT IN ('tenant_id', 'dataset_id')
          """
        ).map { try $0.decode(String.self) }
      }
      // The true label is stored in the table of labels.
      let defined = Set(PredictionColumn.allCases).subtracting([.trueLabel, .labelledAt])
      #expect(Set(stored) == Set(defined.map(\.rawValue)))
    }
  }

  @Test func `the row type has the columns in their order`() async throws {
    try await TestDomain.with { domain in
      let attributes = try await domain.asOwner { connection in
        try await connection.query(
          """
          SELECT attname::text FROM pg_attribute
          WHERE attrelid = (SELECT typrelid FROM pg_type WHERE typname = \(PredictionColumn.rowType)) ORDER BY attnum
          """
        ).map { try $0.decode(String.self) }
      }
      #expect(attributes == PredictionColumn.rowColumns.map(\.rawValue))
    }
  }

  @Test func `the CSV form has all members except warnings`() {
    let members = Set(PredictionColumn.allCases.filter { $0.member != nil })
    #expect(Set(PredictionColumn.csv) == members.subtracting([.warnings]))
    #expect(PredictionColumn.csv.count == Set(PredictionColumn.csv).count)
  }
}
