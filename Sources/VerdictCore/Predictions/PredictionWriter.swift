import Foundation
import Learning
import PostgreSQL

/// Stores predictions in groups: while one transaction commits, what arrives waits and goes together in the next.
///
/// Each caller goes on only after the commit of its own rows. The waiting line is bounded, so that an overloaded
/// database makes callers fail fast instead of queueing without end.
public actor PredictionWriter {
  /// The rows of one answer, all of one dataset and one state of it.
  struct Group: Sendable {
    var tenant: TenantID
    var dataset: Int
    /// The revision that the answer was computed from; the rows are stored only if it is still the current one.
    var revision: Int
    var modelVersion: Int
    var threshold: Double
    var rows: [NewPrediction]
  }

  /// What became of a group.
  enum Outcome: Sendable {
    /// Committed.
    case stored
    /// The dataset has changed since: compute the answer again.
    case stale
  }

  /// Too many answers are waiting to be stored.
  public struct Overloaded: Error, Sendable {}

  private struct Waiting {
    var group: Group
    var continuation: CheckedContinuation<Outcome, any Error>
  }

  private let database: Database
  private let capacity: Int
  private var waiting: [Waiting] = []
  private var waitingRows = 0
  private var isFlushing = false

  /// How many rows one transaction stores at most.
  private static let rowsPerFlush = 2_000

  /// Stores into `database`; at most `capacity` rows wait.
  public init(database: Database, capacity: Int = 50_000) {
    self.database = database
    self.capacity = capacity
  }

  /// Stores a group and returns after its commit.
  ///
  /// - Throws: ``Overloaded``; ``PostgreSQLError``.
  func store(_ group: Group) async throws -> Outcome {
    guard waitingRows + group.rows.count <= capacity || waiting.isEmpty else { throw Overloaded() }
    return try await withCheckedThrowingContinuation { continuation in
      waiting.append(Waiting(group: group, continuation: continuation))
      waitingRows += group.rows.count
      if !isFlushing {
        isFlushing = true
        Task { await flushAll() }
      }
    }
  }

  private func flushAll() async {
    while !waiting.isEmpty {
      var count = 0
      var rows = 0
      while count < waiting.count, rows == 0 || rows + waiting[count].group.rows.count <= Self.rowsPerFlush {
        rows += waiting[count].group.rows.count
        count += 1
      }
      let batch = Array(waiting.prefix(count))
      waiting.removeFirst(count)
      waitingRows -= rows
      await flush(batch)
    }
    isFlushing = false
  }

  private func flush(_ batch: [Waiting]) async {
    do {
      let outcomes = try await PredictionInsert.store(batch.map(\.group), in: database.pool)
      for (waiting, outcome) in zip(batch, outcomes) { waiting.continuation.resume(returning: outcome) }
    } catch {
      // One bad group (a value that PostgreSQL refuses) must not fail its neighbours: each gets a try of its own.
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

/// One answer on its way into the table.
struct NewPrediction: Sendable {
  var id: UUID
  var label: Bool
  var probability: Double
  var row: FeatureRow
  var warnings: [PredictionWarning]
}
