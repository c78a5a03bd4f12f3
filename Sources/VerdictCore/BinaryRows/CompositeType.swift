import PostgreSQL
import Synchronization

/// The number by which this database knows one of the schema's composite types.
final class CompositeType: Sendable {
  private let name: String
  private let known = Mutex<UInt32?>(nil)

  /// The type of that name.
  init(_ name: String) { self.name = name }

  /// The type's OID, asked for once.
  func oid(in tx: Transaction) async throws -> UInt32 {
    try await oid { try await tx.query($0) }
  }

  /// The type's OID, asked for once, outside of any transaction.
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

  /// Asks again next time after an error that says so: a database that was restored while we ran has another number for it.
  func forget(after error: any Error) {
    // “Wrong element type” of `array_recv`.
    guard (error as? PostgreSQLError)?.sqlState == SQLState(rawValue: "42804") else { return }
    known.withLock { $0 = nil }
  }
}
