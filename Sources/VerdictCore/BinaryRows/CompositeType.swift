import PostgreSQL
import Synchronization

/// The OID of one of the schema's composite types in the connected database, cached after the first look-up.
final class CompositeType: Sendable {
  private let name: String
  private let known = Mutex<UInt32?>(nil)

  /// Creates the type named `name`.
  init(_ name: String) { self.name = name }

  /// Returns the type's OID, queried once.
  func oid(in tx: Transaction) async throws -> UInt32 {
    try await oid { try await tx.query($0) }
  }

  /// Returns the type's OID, queried once, outside any transaction.
  func oid(in pool: ConnectionPool) async throws -> UInt32 {
    try await oid { try await pool.query($0) }
  }

  private func oid(_ ask: (Query) async throws -> QueryResult) async throws -> UInt32 {
    if let oid = known.withLock({ $0 }) { return oid }
    let number = try await ask("SELECT \(name)::regtype::oid::bigint").single().decode(Int.self)
    let oid = UInt32(clamping: number)
    known.withLock { $0 = oid }
    return oid
  }

  /// Invalidates the OID after an error that reports a wrong one: a database that was restored meanwhile has other
  /// OIDs.
  func invalidate(after error: any Error) {
    // "Wrong element type" of `array_recv`.
    guard (error as? PostgreSQLError)?.sqlState == SQLState(rawValue: "42804") else { return }
    known.withLock { $0 = nil }
  }
}
