import Foundation
package import PostgreSQL

/// Who did which administrative act, and which deletion, when. An entry is written in the transaction of its act: there is
/// never one without the other.
package struct AuditLog: Sendable {
  private let database: Database

  /// The log in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Writes an act down in the transaction that does it.
  package static func record(
    _ tenant: TenantID, _ actor: Actor, _ action: AuditAction, _ target: String, detail: String? = nil,
    in tx: some QueryExecutor
  ) async throws {
    var key: Int?
    if case .key(let id) = actor { key = id }
    try await tx.query(
      """
      INSERT INTO audit_entries (tenant_id, key_id, key_name, action, target, detail)
      VALUES (\(tenant), \(key), (SELECT name FROM api_keys WHERE tenant_id = \(tenant) AND id = \(key)),
              \(action.rawValue), \(target), \(detail))
      """)
  }

  /// Removes the entries of a tenant that are older than so many days, in steps of bounded size. What the database does not
  /// let go, those of the last thirty days, stays.
  static func removeOld(of tenant: TenantID, days: Int, in database: Database) async throws {
    while true {
      try Task.checkCancellation()
      let removed = try await database.transaction(for: tenant) { tx in
        try await tx.query(
          "SELECT forget_audit_entries(\(tenant), \(Int32(clamping: days)), \(Int32(rowsPerStep)))"
        )
        .single().decode(Int.self)
      }
      if removed < rowsPerStep { return }
    }
  }

  /// How many entries one transaction looks at, and removes at most.
  static let rowsPerStep = 1_000

  /// The entries of a tenant, newest first, below the id `cursor`, at most `limit`.
  package func list(_ tenant: TenantID, before cursor: Int?, limit: Int) async throws -> [AuditEntry] {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        """
        SELECT id, at, key_id, key_name, action, target, detail FROM audit_entries
        WHERE tenant_id = \(tenant) AND id < \(cursor ?? Int.max) ORDER BY id DESC LIMIT \(limit)
        """
      ).map { row in
        let (id, at, key, keyName, action, target, detail) = try row.decode(
          Int.self, Date.self, Int?.self, String?.self, String.self, String.self, String?.self)
        return AuditEntry(
          id: id, at: at, actor: key.map { .key($0) } ?? .commandLine, keyName: keyName, action: action,
          target: target, detail: detail)
      }
    }
  }
}
