import Foundation
import Learning
package import PostgreSQL
package import RowFormats

/// Answers feature vectors with the active model, past the gate, and stores the answers.
package struct PredictionService: Sendable {
  private let database: Database
  private let served: ServedDatasets
  private let writer: PredictionWriter
  private let live: LiveKPIStore
  private let usage: PredictionUsage

  /// Whether and how answers are kept.
  package enum Storage: Sendable {
    /// Not at all: they have no ids. The caller's transaction, if there is one, is asked where the database is needed.
    case nowhere(asking: Transaction?)
    /// Committed when ``predict(_:dataset:storing:reading:)`` returns, all of them or none; few rows together with others'.
    case committed
    /// In the caller's transaction.
    case within(Transaction)
  }

  /// How often an answer is computed again because the dataset changed under it.
  private static let attempts = 10

  /// Answers from `served` and stores through `writer`.
  package init(database: Database, served: ServedDatasets, writer: PredictionWriter) {
    self.database = database
    self.served = served
    self.writer = writer
    live = LiveKPIStore(database: database)
    usage = PredictionUsage(database: database)
  }

  /// Answers rows of one dataset with one model version, in order.
  ///
  /// - Parameters:
  ///   - storage: whether and how the answers are kept.
  ///   - read: makes the rows out of the request, by the dataset's schema; called again when the dataset has changed.
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/noModel(dataset:)``,
  ///   ``DomainError/belowGate(metric:value:minimum:modelVersion:labels:)``, ``PredictionRefusal``,
  ///   ``PredictionWriter/Overloaded``, what `read` throws, ``PostgreSQLError``.
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
      guard let model = try await admittedModel(of: current, tenant, asking: tx) else {
        served.forget(tenant, named: name)
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
      switch storage {
      case .nowhere: return answers
      case .committed where isLarge: outcome = try await writer.storeAlone(group)
      case .committed: outcome = try await writer.store(group)
      case .within(let tx): outcome = try await writer.insert.store(group, in: tx)
      }
      if outcome == .stored {
        reserved.stored(in: tx)
        return answers
      }
      served.forget(tenant, named: name)
      if attempt == Self.attempts { break }
    }
    throw PredictionWriter.Overloaded()
  }

  /// The model that may answer; `nil` if the dataset in memory refuses it and the database does not any more.
  private func admittedModel(
    of current: ServedDataset, _ tenant: TenantID, asking tx: Transaction?
  ) async throws -> ServedModel? {
    do {
      return try current.admittedModel()
    } catch DomainError.belowGate(_, _, _, let version, let labels?) where labels > 0 {
      // Live KPIs move with every label while the verdict stays; the client gets the figures of now.
      guard let model = current.model else { return nil }
      try await live.checkGate(
        tenant, current.dataset, version: version, validation: model.kpis, asking: tx)
      return nil
    }
  }
}
