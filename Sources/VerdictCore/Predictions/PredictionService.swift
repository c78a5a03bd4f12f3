import Foundation
public import Learning
public import PostgreSQL

/// Answers feature vectors with the active model, past the gate, and stores the answers.
public struct PredictionService: Sendable {
  private let served: ServedDatasets
  private let writer: PredictionWriter

  /// Whether and how answers are kept.
  public enum Storage: Sendable {
    /// Not at all: they have no ids.
    case nowhere
    /// Committed when ``predict(_:dataset:storing:reading:)`` returns, together with others' answers.
    case grouped
    /// In the caller's transaction.
    case within(Transaction)
  }

  /// How often an answer is computed again because the dataset changed under it.
  private static let attempts = 5

  /// Answers from `served` and stores through `writer`.
  public init(served: ServedDatasets, writer: PredictionWriter) {
    self.served = served
    self.writer = writer
  }

  /// Answers rows of one dataset with one model version, in order.
  ///
  /// - Parameters:
  ///   - storage: whether and how the answers are kept.
  ///   - read: makes the rows out of the request, by the dataset's schema; called again when the dataset has changed.
  /// - Throws: ``DomainError/notFound(what:)``, ``DomainError/noModel(dataset:)``,
  ///   ``DomainError/belowGate(metric:value:minimum:modelVersion:)``, ``PredictionWriter/Overloaded``, what `read`
  ///   throws, ``PostgreSQLError``.
  public func predict(
    _ tenant: TenantID, dataset name: String, storing storage: Storage,
    reading read: @Sendable (ServedDataset) throws -> [FeatureRow]
  ) async throws -> [PredictionAnswer] {
    for attempt in 1... {
      let current = try await served.served(tenant, named: name)
      let model = try current.admittedModel()
      let rows = try read(current)
      var answers = try rows.map { row in
        let values = row.values(of: model.features)
        return PredictionAnswer(
          id: nil, model: model, values: values, prediction: try model.predictor.predict(values))
      }
      if case .nowhere = storage { return answers }
      for index in answers.indices { answers[index].id = .version7() }
      let group = PredictionWriter.Group(
        tenant: tenant, dataset: current.dataset.id, revision: current.dataset.revision,
        modelVersion: model.version, threshold: model.model.threshold,
        rows: zip(answers, rows).map { answer, row in
          NewPrediction(
            id: answer.id ?? .version7(), label: answer.prediction.label == 1,
            probability: answer.prediction.probability, row: row, warnings: answer.prediction.warnings)
        })
      let outcome: PredictionWriter.Outcome
      switch storage {
      case .nowhere: return answers
      case .grouped: outcome = try await writer.store(group)
      case .within(let tx): outcome = try await PredictionInsert.store(group, in: tx)
      }
      if outcome == .stored { return answers }
      served.forget(tenant, named: name)
      if attempt == Self.attempts { break }
    }
    throw PredictionWriter.Overloaded()
  }
}
