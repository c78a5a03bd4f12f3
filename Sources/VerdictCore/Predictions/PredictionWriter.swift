import PostgreSQL
import Synchronization

/// Stores predictions by group commit: the groups that arrive while one transaction commits share the next one.
///
/// A caller continues after the commit of its own rows. The queue is bounded, so that callers fail fast when the database is
/// overloaded.
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
        guard state.rows + group.count <= capacity || state.waiting.isEmpty else { return (false, false) }
        state.waiting.append(Waiting(group: group, continuation: continuation))
        state.rows += group.count
        defer { state.isFlushing = true }
        return (true, !state.isFlushing)
      }
      if !isTaken { return continuation.resume(throwing: Overloaded()) }
      // On the executor of the database's event loop, which saves thread changes. Detached, since it works for all callers
      // and its log lines must not carry the first one's request id.
      if starts { Task.detached(executorPreference: DatabaseExecutor.shared) { await self.flushAll() } }
    }
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
      var count = 0
      var rows = 0
      while count < state.waiting.count,
        rows == 0 || rows + state.waiting[count].group.count <= Self.rowsPerFlush
      {
        rows += state.waiting[count].group.count
        count += 1
      }
      state.rows -= rows
      if count == state.waiting.count {
        defer { state.waiting.removeAll(keepingCapacity: true) }
        return state.waiting
      }
      defer { state.waiting.removeFirst(count) }
      return Array(state.waiting.prefix(count))
    }
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
