package import Logging
import PostgreSQL

/// Evicts erased labels from the cache of a process that trains. A training does so itself when it reads the dataset; this is for
/// datasets that are not trained for a while.
package struct ErasedLabels: Sendable {
  private let database: Database
  private let cache: LabelCache
  private let logger: Logger

  /// How long after the end of a removal a cache may have its rows, without a training.
  package static let interval = Duration.seconds(60)
  /// How many tenants are checked in one round trip.
  private static let tenantsPerStep = 100

  /// Checks the datasets in `cache`.
  package init(database: Database, cache: LabelCache, logger: Logger) {
    self.database = database
    self.cache = cache
    self.logger = logger
  }

  /// Checks every `interval` until the task is cancelled; a failure is logged, and the next run tries again.
  package func run(every interval: Duration = Self.interval) async throws {
    while !Task.isCancelled {
      try? await Task.sleep(for: interval)
      do {
        try await evict()
      } catch {
        if Task.isCancelled { return }
        logger.warning("check for erased labels failed", metadata: ["error": "\(error)"])
      }
    }
  }

  /// Checks once.
  package func evict() async throws {
    let tenants = cache.datasets.keys.sorted { $0.rawValue < $1.rawValue }
    for first in stride(from: 0, to: tenants.count, by: Self.tenantsPerStep) {
      let step = Array(tenants[first..<min(first + Self.tenantsPerStep, tenants.count)])
      let statements = step.flatMap { [Database.setTenant($0), Self.erased(of: $0)] }
      let results = try await database.pool.pipeline(["BEGIN READ ONLY"] + statements + ["COMMIT"])
      for (tenant, result) in zip(step, stride(from: 2, to: results.count, by: 2)) {
        for (dataset, changes) in try results[result].map({ try $0.decode(Int.self, Int.self) }) {
          cache.evict(tenant, dataset, readBefore: changes)
        }
      }
    }
  }

  /// The datasets of a tenant with erased labels, by the count of changes after the last.
  private static func erased(of tenant: TenantID) -> Query {
    """
    SELECT dataset_id, max(label_changes) FROM erasures
    WHERE tenant_id = \(tenant) AND label_changes IS NOT NULL GROUP BY dataset_id
    """
  }
}
