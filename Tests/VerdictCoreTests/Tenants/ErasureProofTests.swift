import DomainTestSupport
import Foundation
import PostgreSQL
import TestSupport
import Testing

@testable import VerdictCore

/// Runs the proof of an erasure from docs/tenants.md as the document gives it.
@Suite struct ErasureProofTests {
  /// The document's block of SQL.
  private static func script() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(contentsOf: root.appendingPathComponent("docs/tenants.md"), encoding: .utf8)
    let match = try #require(text.firstMatch(of: #/```sql\n([\s\S]*?)```/#))
    return String(match.1)
  }

  /// Parses the lines `table | rows` of psql's output.
  private static func rows(_ output: String) -> [String: Int] {
    var rows: [String: Int] = [:]
    for line in output.split(separator: "\n") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      if cells.count == 2, let count = Int(cells[1]) { rows[cells[0]] = count }
    }
    return rows
  }

  @Test(.timeLimit(.minutes(10)))
  func `the proof counts the rows and shows zero after the erasure`() async throws {
    try await TestDomain.with { domain in
      let script = try Self.script()
      let number = try #require(script.firstMatch(of: #/\\set tenant (\d+)/#).flatMap { Int($0.1) })
      // Gives the next tenant the number that the document uses.
      try await domain.asOwner {
        _ = try await $0.query("SELECT setval('tenants_tenant_id_seq', \(number - 1))")
      }
      let tenant = try await domain.tenant()
      #expect(Int(tenant.rawValue) == number)
      try await domain.dataset(tenant)
      try await domain.post(x: [1, 2, -1], tenant)
      let before = Self.rows(try await TestCluster.psql(domain.admin, script: script))
      #expect(before["labels"] == 3)
      #expect(before["tenants"] == 1)
      #expect(before["audit_entries"] == 3)
      let tables = try await domain.asOwner {
        try await $0.query(
          """
          SELECT count(*) FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
          WHERE table_schema = 'public' AND column_name = 'tenant_id' AND table_type = 'BASE TABLE'
          """
        ).first?.decode(Int.self)
      }
      #expect(before.count == tables)
      try await TenantStore(database: domain.database).delete(tenant)
      let after = Self.rows(try await TestCluster.psql(domain.admin, script: script))
      #expect(after.count == tables)
      #expect(after.filter { $0.value != 0 } == [:])
    }
  }

  /// Row-level security also binds a table owner that is no superuser, who would count zero rows in any case.
  @Test(.timeLimit(.minutes(10)))
  func `a role bound by row-level security gets an error instead of zero`() async throws {
    try await TestDomain.with { domain in
      let script = try Self.script().replacing(#/\\set tenant \d+/#, with: "\\set tenant 1")
      let tenant = try await domain.tenant()
      #expect(tenant.rawValue == 1)
      let role = "owner_\(UUID().uuidString.prefix(8).lowercased())"
      let tables = try await domain.asOwner { connection in
        try await connection.query("CREATE ROLE \(identifier: role) LOGIN")
        let tables = try await connection.query(
          "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        ).map { try $0.decode(String.self) }
        for table in tables {
          try await connection.query("ALTER TABLE \(identifier: table) OWNER TO \(identifier: role)")
        }
        return tables
      }
      let output = try await TestCluster.psql(domain.admin, user: role, script: script)
      try await domain.asOwner { connection in
        for table in tables {
          try await connection.query("ALTER TABLE \(identifier: table) OWNER TO postgres")
        }
        try await connection.query("DROP ROLE \(identifier: role)")
      }
      #expect(output.contains("ERROR"))
      #expect(output.contains("row-level security"))
      #expect(Self.rows(output) == [:])
    }
  }
}
