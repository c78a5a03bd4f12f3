import PostgreSQL
import Synchronization

/// Holds tenants to the number of predictions that they may store, by what this process knows of it.
///
/// What is known is looked up again when it is a second old, by one request of those that come then; in between the process
/// adds what it stores itself. A tenant can so go beyond its limit by what other processes store for it within a second.
final class PredictionUsage: Sendable {
  private struct Known {
    var maximum: Int
    var stored: Int
    var until: ContinuousClock.Instant
  }

  private enum Verdict {
    case admitted
    case refused(Known)
    case unknown
  }

  private static let lifetime = Duration.seconds(1)
  private static let capacity = 10_000

  private let database: Database
  private let known = Mutex<[TenantID: Known]>([:])

  init(database: Database) {
    self.database = database
  }

  /// Counts `rows` in that are about to be stored.
  ///
  /// - Parameter tx: a transaction of the caller's that is asked where the database is needed.
  /// - Throws: ``DomainError/quotaExceeded(_:maximum:present:)``.
  func admit(_ tenant: TenantID, _ rows: Int, asking tx: Transaction?) async throws {
    let now = ContinuousClock.now
    let verdict: Verdict = known.withLock { known in
      guard var entry = known[tenant] else { return .unknown }
      if entry.until <= now {
        // The others go on by what is known until this one has looked.
        known[tenant]?.until = now + Self.lifetime
        return .unknown
      }
      guard entry.stored + rows <= entry.maximum else { return .refused(entry) }
      entry.stored += rows
      known[tenant] = entry
      return .admitted
    }
    switch verdict {
    case .admitted: return
    case .refused(let entry): throw Self.refusal(entry)
    case .unknown: break
    }
    let (maximum, stored) = try await look(tenant, asking: tx)
    var entry = Known(maximum: maximum, stored: stored, until: now + Self.lifetime)
    let fits = stored + rows <= maximum
    if fits { entry.stored += rows }
    known.withLock { known in
      if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
      known[tenant] = entry
    }
    if !fits { throw Self.refusal(entry) }
  }

  private func look(_ tenant: TenantID, asking tx: Transaction?) async throws -> (maximum: Int, stored: Int) {
    if let tx { return try await Self.read(tenant, in: tx) }
    return try await database.transaction(for: tenant, readOnly: true) { try await Self.read(tenant, in: $0) }
  }

  private static func read(
    _ tenant: TenantID, in tx: Transaction
  ) async throws -> (maximum: Int, stored: Int) {
    let rows = try await tx.query(
      """
      SELECT coalesce((limits->>'predictions')::bigint, \(Quota.predictions.standard ?? .max)),
             (SELECT coalesce(sum(stored), 0)::bigint FROM prediction_counts WHERE tenant_id = \(tenant))
      FROM tenants WHERE tenant_id = \(tenant)
      """)
    let (maximum, stored) = try rows.first?.decode(Int.self, Int.self) ?? (0, 0)
    return (maximum, stored)
  }

  private static func refusal(_ entry: Known) -> DomainError {
    .quotaExceeded(.predictions, maximum: entry.maximum, present: entry.stored)
  }
}
