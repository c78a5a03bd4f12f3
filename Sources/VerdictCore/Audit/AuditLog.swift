import Foundation
package import PostgreSQL

/// The audit log of administrative acts and deletions. Each entry is written in the transaction of its act, so that
/// neither exists without the other.
package struct AuditLog: Sendable {
  private let database: Database

  /// The log in `database`.
  package init(database: Database) {
    self.database = database
  }

  /// Records an act in its transaction.
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

  /// Deletes the entries of a tenant that are older than `days`, in steps of bounded size. The database keeps those
  /// of the last thirty days in any case.
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

  /// The maximum number of entries that one transaction deletes.
  static let rowsPerStep = 1_000

  /// Returns the entries of a tenant, newest first, with ids below `cursor`, at most `limit`.
  package func list(_ tenant: TenantID, before cursor: Int?, limit: Int) async throws -> [AuditEntry] {
    try await database.read(for: tenant) { tx in
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
