import Foundation
import Learning
package import PostgreSQL
package import RowFormats

/// Predicts rows with the active model if the gate admits it, and stores the predictions.
package struct PredictionService: Sendable {
  private let database: Database
  private let served: ServedDatasets
  private let writer: PredictionWriter
  private let live: LiveKPIStore
  private let usage: PredictionUsage

  /// Whether and how predictions are stored.
  package enum Storage: Sendable {
    /// Not at all, and they have no ids. The caller's transaction, if any, is used for look-ups.
    case nowhere(asking: Transaction?)
    /// Committed when ``predict(_:dataset:storing:reading:)`` returns, all of them or none; small groups share a commit.
    case committed
    /// In the caller's transaction.
    case within(Transaction)
  }

  /// The number of attempts for a dataset that keeps changing during the computation.
  private static let attempts = 10

  /// Predicts from `served` and stores through `writer`.
  package init(database: Database, served: ServedDatasets, writer: PredictionWriter) {
    self.database = database
    self.served = served
    self.writer = writer
    live = LiveKPIStore(database: database)
    usage = PredictionUsage(database: database)
  }

  /// Loads the active model into the cache, unless it is there.
  ///
  /// - Throws: as ``ServedDatasets/served(_:named:asking:)``.
  package func prepare(_ tenant: TenantID, dataset name: String) async throws {
    _ = try await served.served(tenant, named: name)
  }

  /// Predicts rows of one dataset with one model version, in order.
  ///
  /// - Parameters:
  ///   - storage: whether and how the predictions are stored.
  ///   - read: parses the rows by the dataset's schema; called again if the dataset has changed.
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/noModel(dataset:)``,
  ///   ``DomainError/belowGate(_:)``,
  ///   ``PredictionWriter/Overloaded``, ``ServedDatasets/Changing``, ``ModelTurns/Busy``, what `read` throws,
  ///   ``PostgreSQLError``.
  package func predict(
    _ tenant: TenantID, dataset name: String, storing storage: Storage,
    reading read: @Sendable (ServedDataset) throws -> RowBatch
  ) async throws -> PredictionAnswers {
    let tx: Transaction? =
      switch storage {
      case .nowhere(let own): own
      case .within(let own): own
      case .committed: nil
      }
    var reserved = PredictionUsage.Reservation()
    for attempt in 1... {
      let current = try await served.served(tenant, named: name, asking: tx)
      let model: ServedModel
      do {
        model = try current.admittedModel()
      } catch {
        try await admitAgain(current, tenant, after: error, asking: tx)
        served.invalidate(current, tenant)
        if attempt == Self.attempts { break }
        continue
      }
      let rows = try read(current)
      if case .nowhere = storage { return try PredictionAnswers(rows, by: model, named: false) }
      let answers = try PredictionAnswers(rows, by: model, named: true)
      if attempt == 1 { reserved = try await usage.admit(tenant, answers.count, asking: tx) }
      let group = PredictionGroup(
        tenant: tenant, dataset: current.dataset.id, revision: current.dataset.revision, answers: answers)
      let isLarge = group.count >= PredictionInsert.large
      let outcome: PredictionGroup.Outcome
      do {
        switch storage {
        case .nowhere: return answers
        case .committed where isLarge: outcome = try await writer.storeAlone(group)
        case .committed: outcome = try await writer.store(group)
        case .within(let tx): outcome = try await writer.insert.store(group, in: tx)
        }
      } catch is PredictionInsert.DatasetDeleted {
        throw DomainError.notFound(what: "dataset \(name)")
      }
      if outcome == .stored {
        reserved.stored(in: tx)
        return answers
      }
      served.invalidate(current, tenant)
      if attempt == Self.attempts { break }
    }
    throw ServedDatasets.Changing()
  }

  /// Checks whether the gate that refused a cached dataset admits it now: live KPIs change with every label. Returns if it does.
  ///
  /// Not inlined, so that the frame of an admitted prediction stays small: a task keeps its frames on a heap of its own, and each
  /// connection has such a heap.
  ///
  /// - Throws: `refusal` if it does not depend on live KPIs; ``DomainError/belowGate(_:)`` with the present values.
  @inline(never)
  private func admitAgain(
    _ current: ServedDataset, _ tenant: TenantID, after refusal: any Error, asking tx: Transaction?
  ) async throws {
    guard case DomainError.belowGate(let gate) = refusal, gate.labels != nil else { throw refusal }
    guard let model = current.model else { return }
    try await live.checkGate(
      tenant, current.dataset, version: gate.modelVersion, validation: model.kpis, asking: tx)
  }
}
