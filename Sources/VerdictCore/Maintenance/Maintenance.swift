import JobQueue
public import Logging
import PostgreSQL

/// What has to be tidied up now and then, whoever does it: several processes may, at the same time.
public struct Maintenance: Sendable {
  private let database: Database
  private let logger: Logger

  /// Tidies up `database`.
  public init(database: Database, logger: Logger) {
    self.database = database
    self.logger = logger
  }

  /// Tidies up every `interval` until the task is cancelled; a failure is logged and tried again next time.
  public func run(every interval: Duration = .seconds(5)) async throws {
    while !Task.isCancelled {
      do {
        try await tidyUp()
      } catch is CancellationError {
        return
      } catch {
        if Task.isCancelled { return }
        logger.warning("maintenance failed", metadata: ["error": "\(error)"])
      }
      try? await Task.sleep(for: interval)
    }
  }

  /// Tidies up once: removes the rows of deleted datasets, predictions that have been kept long enough, and the answers that are not given again any more.
  public func tidyUp() async throws {
    for tenant in try await TenantStore(database: database).list() {
      try await removeDeletedDatasets(of: tenant.id)
      try await Retention.removeOldPredictions(of: tenant.id, in: database)
      try await database.transaction(for: tenant.id) { tx in
        _ = try await tx.query(
          """
          DELETE FROM idempotency_keys WHERE tenant_id = \(tenant.id)
            AND created_at < now() - make_interval(secs => \(Double(Idempotency.lifetime.components.seconds)))
          """)
      }
    }
  }

  private func removeDeletedDatasets(of tenant: TenantID) async throws {
    let deleted = try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(
        "SELECT id FROM datasets WHERE tenant_id = \(tenant) AND deleted_at IS NOT NULL"
      ).map { try $0.decode(Int.self) }
    }
    for dataset in deleted {
      for table in ["labels", "predictions"] {
        try await BoundedDeletion.deleteAll(of: tenant, dataset: dataset, from: table, in: database)
      }
      // Writers of rows hold the dataset's row while they write, and find it gone afterwards: nothing can come after.
      try await database.transaction(for: tenant) { tx in
        try await tx.query("DELETE FROM jobs WHERE tenant_id = \(tenant) AND subject = \(dataset)")
        try await tx.query("DELETE FROM datasets WHERE tenant_id = \(tenant) AND id = \(dataset)")
      }
      logger.info("removed a deleted dataset", metadata: ["tenant": "\(tenant)", "dataset": "\(dataset)"])
    }
  }
}
