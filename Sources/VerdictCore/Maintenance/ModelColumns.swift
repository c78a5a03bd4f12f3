import PostgreSQL
import Synchronization

/// Fills the columns of models that a server wrote before it knew them.
///
/// A process looks through each tenant's models once. Until a model's columns are filled, lists read them from the model.
final class ModelColumns: Sendable {
  /// How many models one transaction changes at most. Each is read as a whole.
  private static let modelsPerStep = 10

  private let filled = Mutex<Set<TenantID>>([])

  /// Fills the columns of a tenant's models.
  func fill(_ tenant: TenantID, in database: Database) async throws {
    guard !filled.withLock({ $0.contains(tenant) }) else { return }
    while try await step(tenant, in: database) == Self.modelsPerStep { try Task.checkCancellation() }
    filled.withLock { _ = $0.insert(tenant) }
  }

  /// - Returns: the number of models that were changed.
  private func step(_ tenant: TenantID, in database: Database) async throws -> Int {
    try await database.transaction(for: tenant) { tx in
      try await tx.query(
        """
        UPDATE models m SET converged = coalesce((m.model -> 'converged')::boolean, true)
        FROM (
          SELECT dataset_id, version FROM models
          WHERE tenant_id = \(tenant) AND converged IS NULL LIMIT \(Self.modelsPerStep)) unfilled
        WHERE m.tenant_id = \(tenant) AND m.dataset_id = unfilled.dataset_id AND m.version = unfilled.version
        """
      ).affectedRows
    }
  }
}
