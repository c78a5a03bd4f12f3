import JobQueue
package import Logging
import Learning
import PostgreSQL

/// Queues the automatic trainings that are due and that no transaction has queued: two concurrent transactions did not see
/// each other's labels, or the training that should have read them failed or was cancelled.
///
/// Changes for which a training was tried or cancelled are left alone until further changes follow. Several processes may run
/// this at the same time.
package struct MissedTrainings: Sendable {
  private let database: Database
  private let autoTraining: AutoTraining
  private let logger: Logger

  /// How many tenants are checked in one round trip.
  private static let tenantsPerStep = 100
  /// How many datasets of a tenant are decided about in one run; the rest follow in the next.
  private static let datasetsPerTenant = 100

  /// Checks the datasets in `database`.
  package init(database: Database, autoTraining: AutoTraining, logger: Logger) {
    self.database = database
    self.autoTraining = autoTraining
    self.logger = logger
  }

  /// Checks every `interval` until the task is cancelled; a failure is logged, and the next run tries again.
  package func run(every interval: Duration = .seconds(3)) async throws {
    while !Task.isCancelled {
      do {
        try await enqueueDueTrainings()
      } catch {
        if Task.isCancelled { return }
        logger.warning("check for missed trainings failed", metadata: ["error": "\(error)"])
      }
      try? await Task.sleep(for: interval)
    }
  }

  /// Checks once.
  package func enqueueDueTrainings() async throws {
    let tenants = try await TenantStore(database: database).list().map(\.id)
    for first in stride(from: 0, to: tenants.count, by: Self.tenantsPerStep) {
      let step = Array(tenants[first..<min(first + Self.tenantsPerStep, tenants.count)])
      for (tenant, dataset) in try await candidates(step) {
        try Task.checkCancellation()
        do {
          try await database.transaction(for: tenant) { try await decide(tenant, dataset, in: $0) }
        } catch let error as PostgreSQLError where error.sqlState == .lockNotAvailable {
          // The transactions that hold the lock decide themselves, and other datasets wait.
          continue
        }
      }
    }
  }

  /// Datasets that look as if a training were due.
  private func candidates(_ tenants: [TenantID]) async throws -> [(TenantID, Int)] {
    let statements = tenants.flatMap { [Database.setTenant($0), Self.behind(of: $0)] }
    let results = try await database.pool.pipeline(["BEGIN READ ONLY"] + statements + ["COMMIT"])
    var behind: [(tenant: TenantID, datasets: [Int])] = []
    for (tenant, result) in zip(tenants, stride(from: 2, to: results.count, by: 2))
    where !results[result].isEmpty {
      behind.append((tenant, try results[result].map { try $0.decode(Int.self) }))
    }
    guard !behind.isEmpty else { return [] }
    let waiting = try await autoTraining.queue.waitingSubjects(of: behind.map(\.tenant.rawValue))
    return behind.flatMap { tenant, datasets in
      let waiting = waiting[tenant.rawValue] ?? []
      return datasets.lazy.filter { !waiting.contains(Int64($0)) }.prefix(Self.datasetsPerTenant).map {
        (tenant, $0)
      }
    }
  }

  /// The datasets with changes that ask for a training by their policy. A training may wait for them already.
  private static func behind(of tenant: TenantID) -> Query {
    """
    SELECT d.id FROM datasets d
    CROSS JOIN LATERAL (
      SELECT sum(c.positives) AS positives, sum(c.negatives) AS negatives, sum(c.changes) AS changes
      FROM label_counts c WHERE c.tenant_id = d.tenant_id AND c.dataset_id = d.id) c
    WHERE d.tenant_id = \(tenant) AND d.auto_train -> 'enabled' = 'true' AND d.writable AND d.deleted_at IS NULL
      AND c.changes > greatest(d.trained_changes, d.reading_changes)
      AND (c.changes - d.trained_changes >= (d.auto_train ->> 'min_new_labels')::bigint
           OR (d.auto_train ->> 'max_delay_seconds')::bigint > 0)
      AND least(c.positives, c.negatives) >= \(Int64(TrainingJobs.minimumPerClass))
    """
  }

  /// Decides again under the lock of the dataset's row.
  private func decide(_ tenant: TenantID, _ id: Int, in tx: Transaction) async throws {
    let row = try await tx.pipeline([
      "SET LOCAL lock_timeout = 250",
      """
      SELECT auto_train, training, trained_changes, reading_changes FROM datasets
      WHERE tenant_id = \(tenant) AND id = \(id) AND writable AND deleted_at IS NULL
      FOR NO KEY UPDATE SKIP LOCKED
      """,
    ]).last?.first
    guard
      let (policy, training, trained, reading) = try row?.decode(JSONB.self, JSONB.self, Int.self, Int.self)
    else { return }
    let counts = try await LabelCounting.counts(tenant, dataset: id, in: tx)
    let backlog = try await TrainingBacklog.read(tenant, dataset: id, in: tx)
    guard counts.changes > max(trained, reading), !backlog.isWaiting else { return }
    try await autoTraining.reconsider(
      tenant, dataset: id, policy.decode(AutoTrain.self), training.decode(TrainingParameters.self),
      .policyChanged, in: tx)
  }
}
