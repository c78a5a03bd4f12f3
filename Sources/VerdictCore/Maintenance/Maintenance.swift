import JobQueue
public import Logging
import PostgreSQL

/// What has to be tidied up now and then, whoever does it: several processes may, at the same time.
public struct Maintenance: Sendable {
  private let database: Database
  private let auditKeptDays: Int?
  private let logger: Logger

  /// Tidies up `database`.
  ///
  /// - Parameter auditKeptDays: after how many days, from 30, an entry of the audit log goes; `nil` for never.
  public init(database: Database, auditKeptDays: Int? = nil, logger: Logger) {
    self.database = database
    self.auditKeptDays = auditKeptDays
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

  /// Tidies up once: removes the rows of deleted datasets, predictions and entries of the audit log that have been kept long
  /// enough, and the answers that are not given again any more. What fails for one tenant is logged, and holds up no other.
  public func tidyUp() async throws {
    for tenant in try await TenantStore(database: database).list() {
      let chores: [(String, @Sendable () async throws -> Void)] = [
        ("deleted datasets", { try await removeDeletedDatasets(of: tenant.id) }),
        ("old predictions", { try await Retention.removeOldPredictions(of: tenant.id, in: database) }),
        ("old answers", { try await Idempotency.removeOld(of: tenant.id, in: database) }),
        ("old audit entries", { try await removeOldAuditEntries(of: tenant.id) }),
      ]
      for (name, chore) in chores {
        do {
          try await chore()
        } catch {
          // Without a database none of the others would fare better.
          if error is CancellationError || Task.isCancelled { throw error }
          if let error = error as? PostgreSQLError, error.isConnectionProblem { throw error }
          logger.warning(
            "maintenance failed",
            metadata: ["tenant": "\(tenant.id)", "chore": "\(name)", "error": "\(error)"])
        }
      }
    }
  }

  private func removeOldAuditEntries(of tenant: TenantID) async throws {
    guard let auditKeptDays else { return }
    try await AuditLog.removeOld(of: tenant, days: auditKeptDays, in: database)
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
