import JobQueue
package import Logging
import PostgreSQL

/// Periodic deletion of rows that are no longer needed, and filling of columns that are new. Several processes may do it at the
/// same time.
package struct Maintenance: Sendable {
  private let database: Database
  private let auditRetentionDays: Int?
  private let logger: Logger
  private let modelColumns = ModelColumns()

  /// Maintains `database`.
  ///
  /// - Parameter auditRetentionDays: the number of days, from 30, after which entries of the audit log are deleted; `nil` for never.
  package init(database: Database, auditRetentionDays: Int? = nil, logger: Logger) {
    self.database = database
    self.auditRetentionDays = auditRetentionDays
    self.logger = logger
  }

  /// Runs every `interval` until the task is cancelled; a failure is logged, and the next run tries again.
  package func run(every interval: Duration = Self.interval) async throws {
    while !Task.isCancelled {
      do {
        try await maintain()
      } catch is CancellationError {
        return
      } catch {
        if Task.isCancelled { return }
        logger.warning("maintenance failed", metadata: ["error": "\(error)"])
      }
      try? await Task.sleep(for: interval)
    }
  }

  /// The interval between two checks for work.
  package static let interval = Duration.seconds(5)

  /// The time for one tenant before the next tenant's turn.
  private static let turn = Duration.seconds(1)

  /// One piece of a tenant's maintenance, which continues in the tenant's next turn.
  private struct MaintenanceTask {
    var tenant: TenantID
    var name: String
    /// Run one after the other.
    var deletions: [BoundedDeletion]
    /// The dataset to be deleted once its rows are.
    var dataset: Int?

    func isSameWork(_ other: MaintenanceTask) -> Bool { name == other.name && dataset == other.dataset }
  }

  /// Runs once: deletes the rows of deleted datasets, expired predictions and audit entries, and expired responses for
  /// replays, and starts erasures that have not ended. A failure for one tenant is logged, and neither failures nor millions of rows delay other tenants.
  package func maintain() async throws {
    var unfinished: [TenantID: [MaintenanceTask]] = [:]
    repeat {
      try await addNewTasks(to: &unfinished)
      let next = ContinuousClock.now + Self.interval
      // New tasks of other tenants are found as often as without deletions.
      repeat {
        for tenant in unfinished.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
          unfinished[tenant] = try await work(on: unfinished[tenant] ?? [])
        }
        unfinished = unfinished.filter { !$0.value.isEmpty }
      } while !unfinished.isEmpty && .now < next
    } while !unfinished.isEmpty
  }

  /// Adds new tasks to those that are under way.
  private func addNewTasks(to tasks: inout [TenantID: [MaintenanceTask]]) async throws {
    for tenant in try await TenantStore(database: database).list().map(\.id) {
      try await attempt("expired audit entries", tenant) { try await removeOldAuditEntries(of: tenant) }
      try await attempt("columns of models", tenant) { try await modelColumns.fill(tenant, in: database) }
      try await attempt("live gates", tenant) {
        try await database.liveGates.requestAll(of: tenant, in: database)
      }
      try await attempt("finding work", tenant) {
        let known = tasks[tenant] ?? []
        let new = try await self.tasks(for: tenant).filter { task in !known.contains { $0.isSameWork(task) } }
        tasks[tenant] = known + new
      }
    }
  }

  /// Works on a tenant's tasks until its turn is over.
  ///
  /// - Returns: the unfinished tasks, the longest-waiting first.
  private func work(on tasks: [MaintenanceTask]) async throws -> [MaintenanceTask] {
    let end = ContinuousClock.now + Self.turn
    var waiting: [MaintenanceTask] = []
    var begun: [MaintenanceTask] = []
    for var task in tasks {
      if .now >= end {
        waiting.append(task)
        continue
      }
      try await attempt(task.name, task.tenant) {
        while !task.deletions.isEmpty {
          guard try await task.deletions[0].run(in: database, until: end) else {
            begun.append(task)
            return
          }
          task.deletions.removeFirst()
        }
        if let dataset = task.dataset { try await remove(dataset, of: task.tenant) }
      }
    }
    return waiting + begun
  }

  /// Runs the closure for a tenant and logs its failure.
  ///
  /// - Throws: `CancellationError`, and ``PostgreSQLError`` when the database is unreachable, which fails for every tenant.
  private func attempt(_ task: String, _ tenant: TenantID, _ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch {
      if error is CancellationError || Task.isCancelled { throw error }
      if let error = error as? PostgreSQLError, error.isConnectionProblem { throw error }
      logger.warning(
        "maintenance failed", metadata: ["tenant": "\(tenant)", "task": "\(task)", "error": "\(error)"])
    }
  }

  private func tasks(for tenant: TenantID) async throws -> [MaintenanceTask] {
    let responses = MaintenanceTask(
      tenant: tenant, name: "expired responses", deletions: [Idempotency.deletion(for: tenant)])
    let predictions = MaintenanceTask(
      tenant: tenant, name: "expired predictions",
      deletions: try await Retention.deletions(for: tenant, in: database))
    for dataset in try await DatasetDeletion.unfinished(of: tenant, in: database) {
      // A dataset with writers that go on is left for the next run, since other tenants wait.
      _ = try await DatasetDeletion.finish(
        tenant, dataset: dataset, in: database, within: .milliseconds(100))
    }
    let (deleted, hasErasures) = try await unfinished(of: tenant)
    if hasErasures { database.erasures.start(tenant, in: database, logger: logger) }
    let datasets = deleted.map { dataset in
      MaintenanceTask(
        tenant: tenant, name: "deleted datasets",
        deletions: [
          BoundedDeletion(.labels, of: tenant, dataset: dataset),
          BoundedDeletion(.predictions, of: tenant, dataset: dataset),
        ] + DatasetJobs.subjects(of: dataset).map { BoundedDeletion(jobsOf: tenant, subject: $0) },
        dataset: dataset)
    }
    return [responses, predictions] + datasets
  }

  private func removeOldAuditEntries(of tenant: TenantID) async throws {
    guard let auditRetentionDays else { return }
    try await AuditLog.removeOld(of: tenant, days: auditRetentionDays, in: database)
  }

  /// The deleted datasets of a tenant, and whether it has erasures that have not ended.
  private func unfinished(of tenant: TenantID) async throws -> (deleted: [Int], hasErasures: Bool) {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let results = try await tx.pipeline([
        "SELECT id FROM datasets WHERE tenant_id = \(tenant) AND deleted_at IS NOT NULL",
        ErasureStore.unfinished(of: tenant),
      ])
      return (try results[0].map { try $0.decode(Int.self) }, !results[1].isEmpty)
    }
  }

  /// Deletes a dataset that has been marked as deleted and has no rows left.
  ///
  /// Its deletion has excluded all writers (``DatasetDeletion``), so no row can follow.
  private func remove(_ dataset: Int, of tenant: TenantID) async throws {
    try await database.transaction(for: tenant) { tx in
      for subject in DatasetJobs.subjects(of: dataset) {
        try await JobQueue.deleteJobs(tenant: tenant.rawValue, subject: subject, in: tx)
      }
      try await tx.query("DELETE FROM datasets WHERE tenant_id = \(tenant) AND id = \(dataset)")
    }
    logger.info("deleted dataset removed", metadata: ["tenant": "\(tenant)", "dataset": "\(dataset)"])
  }
}
