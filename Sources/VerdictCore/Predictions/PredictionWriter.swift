import PostgreSQL
import Synchronization

/// Stores predictions by group commit: the groups that arrive while one transaction commits share the next one.
///
/// A caller continues after the commit of its own rows. The queue is bounded, so that callers fail fast when the database is
/// overloaded. When more rows wait than one transaction stores, the tenants take turns, and a tenant with few rows finds room beside
/// one that fills the queue.
package final class PredictionWriter: Sendable {
  /// Too many predictions wait to be stored.
  package struct Overloaded: Error, Sendable {}

  private struct Waiting {
    var group: PredictionGroup
    var continuation: CheckedContinuation<PredictionGroup.Outcome, any Error>
  }

  private struct State {
    var waiting: [Waiting] = []
    var rows = 0
    /// The waiting rows of each tenant.
    var byTenant: [TenantID: Int] = [:]
    var isFlushing = false
  }

  private let database: Database
  private let capacity: Int
  private let onFlush: @Sendable (_ rows: Int, _ duration: Duration) -> Void
  private let state = Mutex(State())
  /// Builds and runs the statements.
  let insert = PredictionInsert()

  /// The most rows of one transaction.
  private static let rowsPerFlush = 2_000

  /// Stores into `database`.
  ///
  /// - Parameters:
  ///   - capacity: the most rows that may wait.
  ///   - onFlush: called after each transaction with its rows and its duration.
  package init(
    database: Database, capacity: Int = 10_000,
    onFlush: @escaping @Sendable (_ rows: Int, _ duration: Duration) -> Void = { _, _ in }
  ) {
    self.database = database
    self.capacity = capacity
    self.onFlush = onFlush
  }

  /// The number of rows that wait.
  package var waitingRows: Int { state.withLock { $0.rows } }

  /// Stores a group and returns after its commit.
  ///
  /// - Throws: ``Overloaded``; ``PostgreSQLError``.
  func store(_ group: PredictionGroup) async throws -> PredictionGroup.Outcome {
    try await withCheckedThrowingContinuation { continuation in
      let (isTaken, starts) = state.withLock { state in
        guard admits(group, state) else { return (false, false) }
        state.waiting.append(Waiting(group: group, continuation: continuation))
        state.rows += group.count
        state.byTenant[group.tenant, default: 0] += group.count
        defer { state.isFlushing = true }
        return (true, !state.isFlushing)
      }
      if !isTaken { return continuation.resume(throwing: Overloaded()) }
      // On the executor of the database's event loop, which saves thread changes. Detached, since it works for all callers
      // and its log lines must not carry the first one's request id.
      if starts { Task.detached(executorPreference: DatabaseExecutor.shared) { await self.flushAll() } }
    }
  }

  private func admits(_ group: PredictionGroup, _ state: State) -> Bool {
    if state.rows + group.count <= capacity || state.waiting.isEmpty { return true }
    let own = state.byTenant[group.tenant] ?? 0
    return own + group.count <= capacity / 8 && state.rows + group.count <= 2 * capacity
  }

  /// Stores a large group in a transaction of its own.
  ///
  /// - Throws: ``PostgreSQLError``.
  func storeAlone(_ group: PredictionGroup) async throws -> PredictionGroup.Outcome {
    let start = ContinuousClock.now
    let outcome = try await insert.store(group, in: database)
    if outcome == .stored { onFlush(group.count, ContinuousClock.now - start) }
    return outcome
  }

  private func flushAll() async {
    while let batch = next() { await flush(batch) }
  }

  /// The groups of the next transaction; `nil` ends the flushing when none waits.
  private func next() -> [Waiting]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.isFlushing = false
        return nil
      }
      if state.rows <= Self.rowsPerFlush {
        defer { state.waiting.removeAll(keepingCapacity: true) }
        state.rows = 0
        state.byTenant.removeAll(keepingCapacity: true)
        return state.waiting
      }
      let chosen = Self.turns(state.waiting)
      var batch: [Waiting] = []
      var rest: [Waiting] = []
      for (index, waiting) in state.waiting.enumerated() {
        guard chosen.contains(index) else {
          rest.append(waiting)
          continue
        }
        batch.append(waiting)
        let count = waiting.group.count
        state.rows -= count
        state.byTenant[waiting.group.tenant, default: count] -= count
        if state.byTenant[waiting.group.tenant] == 0 { state.byTenant[waiting.group.tenant] = nil }
      }
      state.waiting = rest
      return batch
    }
  }

  /// The indices of the groups for the next transaction, of more than fit: one group of each tenant in turn.
  private static func turns(_ waiting: [Waiting]) -> Set<Int> {
    var tenants: [TenantID] = []
    var indices: [TenantID: [Int]] = [:]
    for (index, waiting) in waiting.enumerated() {
      if indices[waiting.group.tenant] == nil { tenants.append(waiting.group.tenant) }
      indices[waiting.group.tenant, default: []].append(index)
    }
    var chosen: Set<Int> = []
    var rows = 0
    var round = 0
    while !tenants.isEmpty {
      for tenant in tenants {
        guard let own = indices[tenant], round < own.count else { continue }
        let count = waiting[own[round]].group.count
        if rows > 0, rows + count > rowsPerFlush { return chosen }
        chosen.insert(own[round])
        rows += count
      }
      round += 1
      tenants.removeAll { round >= indices[$0]?.count ?? 0 }
    }
    return chosen
  }

  private func flush(_ batch: [Waiting]) async {
    do {
      let start = ContinuousClock.now
      let outcomes = try await insert.store(batch.map(\.group), in: database)
      onFlush(batch.reduce(0) { $0 + $1.group.count }, ContinuousClock.now - start)
      for (waiting, outcome) in zip(batch, outcomes) { waiting.continuation.resume(returning: outcome) }
    } catch {
      // A group with a value that PostgreSQL refuses must not fail the others: each is tried alone.
      let isLastResort = batch.count == 1 || (error as? PostgreSQLError)?.isConnectionProblem ?? false
      for waiting in batch {
        if isLastResort {
          waiting.continuation.resume(throwing: error)
        } else {
          await flush([waiting])
        }
      }
    }
  }
}
