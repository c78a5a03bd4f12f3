import JobQueue
package import Logging
import PostgreSQL

/// What has to be tidied up now and then, whoever does it: several processes may, at the same time.
package struct Maintenance: Sendable {
  private let database: Database
  private let auditRetentionDays: Int?
  private let logger: Logger

  /// Tidies up `database`.
  ///
  /// - Parameter auditRetentionDays: after how many days, from 30, an entry of the audit log goes; `nil` for never.
  package init(database: Database, auditRetentionDays: Int? = nil, logger: Logger) {
    self.database = database
    self.auditRetentionDays = auditRetentionDays
    self.logger = logger
  }

  /// Tidies up every `interval` until the task is cancelled; a failure is logged and tried again next time.
  package func run(every interval: Duration = Self.interval) async throws {
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

  /// How often there is a look at what is to be done.
  package static let interval = Duration.seconds(5)

  /// How long a tenant's rows are deleted before it is another tenant's turn.
  private static let turn = Duration.seconds(1)

  /// One piece of a tenant's maintenance; it resumes where it stopped when the tenant's turn ended.
  private struct Chore {
    var tenant: TenantID
    var name: String
    /// One after the other.
    var deletions: [BoundedDeletion]
    /// The dataset that goes when all its rows have gone.
    var dataset: Int?

    func isAlike(_ other: Chore) -> Bool { name == other.name && dataset == other.dataset }
  }

  /// Tidies up once: removes the rows of deleted datasets, predictions and entries of the audit log that have been kept long
  /// enough, and the answers that are not given again any more. What fails for one tenant is logged, and holds up no other;
  /// nor do a tenant's millions of rows.
  package func tidyUp() async throws {
    var unfinished: [TenantID: [Chore]] = [:]
    repeat {
      try await look(for: &unfinished)
      let next = ContinuousClock.now + Self.interval
      // While rows go, the others' chores are looked for as often as without.
      repeat {
        for tenant in unfinished.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
          unfinished[tenant] = try await work(on: unfinished[tenant] ?? [])
        }
        unfinished = unfinished.filter { !$0.value.isEmpty }
      } while !unfinished.isEmpty && .now < next
    } while !unfinished.isEmpty
  }

  /// Adds what is to be done to what is being done already.
  private func look(for chores: inout [TenantID: [Chore]]) async throws {
    for tenant in try await TenantStore(database: database).list().map(\.id) {
      try await attempt("old audit entries", tenant) { try await removeOldAuditEntries(of: tenant) }
      try await attempt("looking", tenant) {
        let known = chores[tenant] ?? []
        let new = try await self.chores(for: tenant).filter { chore in !known.contains { $0.isAlike(chore) } }
        chores[tenant] = known + new
      }
    }
  }

  /// Works on a tenant's chores until its turn is over.
  ///
  /// - Returns: those that are not done, the ones that have waited longest first.
  private func work(on chores: [Chore]) async throws -> [Chore] {
    let end = ContinuousClock.now + Self.turn
    var waiting: [Chore] = []
    var begun: [Chore] = []
    for var chore in chores {
      if .now >= end {
        waiting.append(chore)
        continue
      }
      try await attempt(chore.name, chore.tenant) {
        while !chore.deletions.isEmpty {
          guard try await chore.deletions[0].run(in: database, until: end) else {
            begun.append(chore)
            return
          }
          chore.deletions.removeFirst()
        }
        if let dataset = chore.dataset { try await remove(dataset, of: chore.tenant) }
      }
    }
    return waiting + begun
  }

  /// Does something for a tenant; what fails is logged.
  ///
  /// - Throws: `CancellationError`, and ``PostgreSQLError`` when there is no database, without which nobody would fare better.
  private func attempt(_ chore: String, _ tenant: TenantID, _ body: () async throws -> Void) async throws {
    do {
      try await body()
    } catch {
      if error is CancellationError || Task.isCancelled { throw error }
      if let error = error as? PostgreSQLError, error.isConnectionProblem { throw error }
      logger.warning(
        "maintenance failed", metadata: ["tenant": "\(tenant)", "chore": "\(chore)", "error": "\(error)"])
    }
  }

  private func chores(for tenant: TenantID) async throws -> [Chore] {
    let answers = Chore(tenant: tenant, name: "old answers", deletions: [Idempotency.deletion(for: tenant)])
    let predictions = Chore(
      tenant: tenant, name: "old predictions",
      deletions: try await Retention.deletions(for: tenant, in: database))
    let datasets = try await deletedDatasets(of: tenant).map { dataset in
      Chore(
        tenant: tenant, name: "deleted datasets",
        deletions: [.labels, .predictions].map { BoundedDeletion($0, of: tenant, dataset: dataset) },
        dataset: dataset)
    }
    return [answers, predictions] + datasets
  }

  private func removeOldAuditEntries(of tenant: TenantID) async throws {
    guard let auditRetentionDays else { return }
    try await AuditLog.removeOld(of: tenant, days: auditRetentionDays, in: database)
  }

  private func deletedDatasets(of tenant: TenantID) async throws -> [Int] {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query("SELECT id FROM datasets WHERE tenant_id = \(tenant) AND deleted_at IS NOT NULL").map
      {
        try $0.decode(Int.self)
      }
    }
  }

  /// Removes a deleted dataset that has no rows any more.
  ///
  /// Writers of rows hold the dataset's row while they write, and find it gone afterwards: nothing can come after.
  private func remove(_ dataset: Int, of tenant: TenantID) async throws {
    try await database.transaction(for: tenant) { tx in
      try await tx.query("DELETE FROM jobs WHERE tenant_id = \(tenant) AND subject = \(dataset)")
      try await tx.query("DELETE FROM datasets WHERE tenant_id = \(tenant) AND id = \(dataset)")
    }
    logger.info("removed a deleted dataset", metadata: ["tenant": "\(tenant)", "dataset": "\(dataset)"])
  }
}
