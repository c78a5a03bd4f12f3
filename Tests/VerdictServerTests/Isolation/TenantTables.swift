import DomainTestSupport
import PostgreSQL
import Testing
import VerdictCore

/// All tables with tenant data, read from the catalog, so that new tables are covered automatically.
struct TenantTables {
  let names: [String]
  private let domain: TestDomain

  init(of domain: TestDomain) async throws {
    self.domain = domain
    names = try await domain.asOwner { connection in
      try await connection.query(
        """
        SELECT c.relname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1
        """
      ).map { try $0.decode(String.self) }
    }
  }

  /// The number of a tenant's rows in each table, without row-level security.
  func counts(_ tenant: TenantID) async throws -> [String: Int] {
    let names = names
    return try await domain.asOwner { connection in
      var counts: [String: Int] = [:]
      for name in names {
        counts[name] = try await connection.query(
          "SELECT count(*) FROM \(identifier: name) WHERE tenant_id = \(tenant.rawValue)"
        ).first?.decode(Int.self)
      }
      return counts
    }
  }

  /// Reads every table without a filter: as a tenant with rows in each, as one with few rows, and without a tenant.
  func showOwnRowsOnly(_ tenant: TenantID) async throws {
    #expect(names.count > 10)
    #expect(try await counts(tenant).filter { $0.value == 0 } == [:], "nothing can be seen where nothing is")
    let stranger = try await domain.tenant("stranger")
    for (reader, isOwn) in [(tenant, true), (stranger, false)] {
      for name in names {
        let owners = try await domain.database.transaction(for: reader) { tx in
          try await tx.query("SELECT DISTINCT tenant_id FROM \(identifier: name)").map {
            try $0.decode(Int32.self)
          }
        }
        #expect(Set(owners).isSubset(of: [reader.rawValue]), "\(name) shows another tenant's rows")
        if isOwn { #expect(!owners.isEmpty, "\(name) hides the tenant's own rows") }
        let unset = try await domain.database.pool.query("SELECT count(*) FROM \(identifier: name)")
        #expect(try unset.first?.decode(Int.self) == 0, "\(name) shows rows without a tenant")
      }
    }
  }

  /// Attempts to write rows of another tenant into every table: inserts a copy of a row as the other tenant, and moves own rows to
  /// it.
  func takeNoRowOfAnother(_ tenant: TenantID) async throws {
    let other = try await domain.tenant("taker")
    for name in names {
      let row = try await domain.asOwner { connection in
        try await connection.query(
          "SELECT to_jsonb(t)::text FROM \(identifier: name) t WHERE tenant_id = \(tenant.rawValue) LIMIT 1"
        ).first?.decode(String.self)
      }
      let copy = try #require(row, "\(name) is empty")
      try await expectRefusal(
        "INSERT INTO \(identifier: name) SELECT * FROM jsonb_populate_record(NULL::\(identifier: name), \(copy)::text::jsonb)",
        as: other, name)
      // No role of the server may change these entries.
      let isGranted = !["audit_entries", "promotions"].contains(name)
      try await expectRefusal(
        "UPDATE \(identifier: name) SET tenant_id = \(other.rawValue)", as: tenant, name,
        because: isGranted ? "row-level security" : "permission denied")
    }
  }

  private func expectRefusal(
    _ statement: Query, as tenant: TenantID, _ table: String, because reason: String = "row-level security"
  ) async throws {
    let error = await #expect(throws: PostgreSQLError.self, "\(table) takes \(statement)") {
      try await domain.database.transaction(for: tenant) { tx in _ = try await tx.query(statement) }
    }
    #expect(error?.sqlState == .insufficientPrivilege, "\(table): \(error as Any)")
    #expect(error?.message.contains(reason) == true, "\(table): \(error as Any)")
  }
}
