import Learning
import PostgreSQL
import Synchronization

/// Evaluates live gates in the background, where many predictions have to be read or counted.
///
/// The transaction of a label only requests the evaluation. Requests for one dataset are coalesced, and one dataset of a tenant is
/// evaluated at a time, with a pause in between, so that labels cost no more the more of them there are. A gate is evaluated within a
/// second of a label, as long as the reading takes less than a quarter of that.
final class LiveGateEvaluator: Sendable {
  /// The number of predictions up to which the transaction of a label reads or counts them itself.
  static let rowsAtOnce = 1_000

  private struct State {
    /// The datasets that are to be evaluated, in the order of the requests.
    var due: [TenantID: [Int]] = [:]
    /// The tenants with a task that evaluates.
    var running: Set<TenantID> = []
    /// The tenants whose datasets were all requested once.
    var checked: Set<TenantID> = []
  }

  /// Another process evaluates the dataset, or its gate or active model has just changed.
  private struct Interrupted: Error {}

  /// The longest pause after an evaluation.
  private static let longestPause = Duration.milliseconds(500)
  /// The pause before another attempt.
  private static let retryPause = Duration.milliseconds(200)
  /// The number of attempts, after which the next label requests an evaluation again.
  private static let attempts = 20
  /// The limit for an evaluation.
  private static let timeout = Duration.seconds(60)

  private let state = Mutex(State())

  /// Requests the evaluation of a dataset's gate by the labels that are committed now.
  func request(_ tenant: TenantID, dataset: Int, in database: Database) {
    let starts = state.withLock { state in
      if state.due[tenant]?.contains(dataset) != true { state.due[tenant, default: []].append(dataset) }
      return state.running.insert(tenant).inserted
    }
    // Detached, since the evaluation works for all requests.
    if starts { Task.detached { await self.run(tenant, in: database) } }
  }

  /// Requests the evaluation of all datasets of a tenant with such a gate, once in the life of the process: a process may have ended
  /// between a label and the evaluation.
  func requestAll(of tenant: TenantID, in database: Database) async throws {
    guard !state.withLock({ $0.checked.contains(tenant) }) else { return }
    let datasets = try await database.read(for: tenant) { tx in
      try await tx.query(
        """
        SELECT id, gate FROM datasets
        WHERE tenant_id = \(tenant) AND gate ->> 'source' = 'live' AND active_version IS NOT NULL AND writable AND deleted_at IS NULL
        """
      ).map { try $0.decode(Int.self, JSONB.self) }
    }
    for (dataset, gate) in datasets where try !gate.decode(Gate.self).metric.isExact {
      request(tenant, dataset: dataset, in: database)
    }
    state.withLock { _ = $0.checked.insert(tenant) }
  }

  private func run(_ tenant: TenantID, in database: Database) async {
    while let dataset = next(tenant) {
      let start = ContinuousClock.now
      await evaluate(tenant, dataset, in: database)
      try? await Task.sleep(for: min((ContinuousClock.now - start) * 3, Self.longestPause))
    }
  }

  /// The next dataset of a tenant; `nil` ends the tenant's task.
  private func next(_ tenant: TenantID) -> Int? {
    state.withLock { state in
      guard var due = state.due.removeValue(forKey: tenant), !due.isEmpty else {
        state.running.remove(tenant)
        return nil
      }
      let dataset = due.removeFirst()
      if !due.isEmpty { state.due[tenant] = due }
      return dataset
    }
  }

  private func evaluate(_ tenant: TenantID, _ dataset: Int, in database: Database) async {
    for _ in 0..<Self.attempts {
      do {
        return try await database.transaction(for: tenant, within: Self.timeout) { tx in
          // One process at a time, so that a later decision is based on later labels.
          let isAlone = try await tx.query(AdvisoryLock.liveGate(tenant, dataset: dataset)).single().decode(
            Bool.self)
          guard isAlone else { throw Interrupted() }
          guard try await LiveGate.evaluateUnlocked(tenant, dataset, in: tx) else { throw Interrupted() }
        }
      } catch let error as PostgreSQLError where error.kind == .poolClosed {
        return
      } catch {
        // A database that is away, a conflict, another process: the next attempt may succeed.
        try? await Task.sleep(for: Self.retryPause)
      }
    }
  }
}
