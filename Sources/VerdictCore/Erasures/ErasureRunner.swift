import Logging
import PostgreSQL
import Synchronization

/// Carries out erasures in the background: at once in the process that took the request, and again and again by the maintenance of
/// every process until they have ended.
///
/// A process works on one erasure of a tenant at a time. A failed attempt is repeated; after some, the next maintenance goes on.
package final class ErasureRunner: Sendable {
  private struct State {
    /// The tenants with a task that works.
    var running: Set<TenantID> = []
    /// Those whose erasures are looked for again when the task has ended.
    var again: Set<TenantID> = []
  }

  /// The pause after a failure.
  private static let retryPause = Duration.milliseconds(200)
  /// The number of failures in a row, after which the maintenance starts the next attempt.
  private static let attempts = 20

  private let state = Mutex(State())

  /// Works on the unfinished erasures of a tenant, in a task of its own.
  ///
  /// - Parameter logger: receives the cause when the attempts are used up.
  func start(_ tenant: TenantID, in database: Database, logger: Logger? = nil) {
    let starts = state.withLock { state in
      guard state.running.insert(tenant).inserted else {
        state.again.insert(tenant)
        return false
      }
      return true
    }
    // Detached, since the task works for all requests.
    if starts { Task.detached { await self.run(tenant, in: database, logger) } }
  }

  private func run(_ tenant: TenantID, in database: Database, _ logger: Logger?) async {
    var failures = 0
    while true {
      do {
        try await Self.work(tenant, in: database)
        failures = 0
        let goesOn = state.withLock { state in
          if state.again.remove(tenant) != nil { return true }
          state.running.remove(tenant)
          return false
        }
        guard goesOn else { return }
      } catch {
        failures += 1
        let isOver = (error as? PostgreSQLError)?.kind == .poolClosed
        if isOver || failures == Self.attempts {
          if !isOver {
            logger?.warning("an erasure waits", metadata: ["tenant": "\(tenant)", "error": "\(error)"])
          }
          state.withLock { state in
            state.running.remove(tenant)
            state.again.remove(tenant)
          }
          return
        }
        try? await Task.sleep(for: Self.retryPause)
      }
    }
  }

  /// Works on the unfinished erasures of a tenant once, the oldest first.
  ///
  /// - Throws: ``PostgreSQLError``; the next call goes on.
  package static func work(_ tenant: TenantID, in database: Database) async throws {
    let unfinished = try await database.transaction(for: tenant, readOnly: true) { tx in
      try await tx.query(ErasureStore.unfinished(of: tenant)).map { try $0.decode(Int.self, Int.self) }
    }
    for (dataset, id) in unfinished {
      var work = ErasureWork(tenant, dataset: dataset, id: id, in: database)
      try await work.run()
    }
  }
}
