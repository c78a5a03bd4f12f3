import PostgreSQL
import Synchronization

/// The number by which this database knows the type `label_row`.
final class LabelRowType: Sendable {
  private let known = Mutex<UInt32?>(nil)

  /// The type's OID, asked for once.
  func oid(in tx: Transaction) async throws -> UInt32 {
    if let oid = known.withLock({ $0 }) { return oid }
    let number = try await tx.query("SELECT 'label_row'::regtype::oid::bigint").single().decode(Int.self)
    let oid = UInt32(clamping: number)
    known.withLock { $0 = oid }
    return oid
  }

  /// Asks again next time: a database that was restored while we ran has another number for it.
  func forget() { known.withLock { $0 = nil } }
}
