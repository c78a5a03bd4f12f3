package import Foundation
package import PostgreSQL
package import RowFormats

/// Labels stored predictions with their true outcomes, which turns them into training rows.
package struct Feedback: Sendable {
  /// The true outcome of one prediction.
  package struct Statement: Sendable, Equatable {
    /// The prediction.
    package var id: UUID
    /// The true outcome; `nil` removes the label.
    package var trueLabel: Bool?

    /// Creates a statement; see the properties.
    package init(id: UUID, trueLabel: Bool?) {
      self.id = id
      self.trueLabel = trueLabel
    }
  }

  /// The result of many statements.
  package struct Outcome: Sendable, Equatable {
    /// Predictions that had no label before.
    package var inserted = 0
    /// Labels whose outcome changed.
    package var updated = 0
    /// Labels that were removed.
    package var deleted = 0
    /// Statements that changed nothing.
    package var unchanged = 0
    /// The number of the dataset's labels afterwards.
    package var labelsStored = 0
    /// The automatic training that is queued afterwards, if any.
    package var trainingJob: Int?
    /// The words by which the outcomes were read.
    package var words = OutcomeWords()
  }

  private let database: Database
  private let datasets: DatasetStore
  private let autoTraining: AutoTraining

  /// Feedback into `database`.
  package init(database: Database, autoTraining: AutoTraining) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.autoTraining = autoTraining
  }

  /// Labels one prediction. The first label creates a training row and a later one changes it; the same label again changes
  /// nothing.
  ///
  /// - Parameter outcome: translates the outcome from the dataset's own words.
  /// - Throws: ``DomainError/notFound(what:)``, what `outcome` throws.
  package func label(
    _ tenant: TenantID, dataset name: String, prediction id: UUID,
    as outcome: @Sendable (Dataset) throws -> Bool
  ) async throws -> (Dataset, StoredPrediction) {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      let statement = Statement(id: id, trueLabel: try outcome(dataset))
      if try await !missing([statement], tenant, dataset, in: tx).isEmpty { throw Self.unknown(id) }
      _ = try await apply([statement], tenant, dataset, by: .commandLine, in: tx)
      return (dataset, try await PredictionStore.prediction(tenant, dataset: dataset.id, id: id, in: tx))
    }
  }

  /// Removes the label of a prediction together with its training row. Without a label it changes nothing.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` if there is no such prediction.
  package func removeLabel(
    _ tenant: TenantID, dataset name: String, prediction id: UUID, by actor: Actor = .commandLine
  ) async throws {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      let statement = Statement(id: id, trueLabel: nil)
      if try await !missing([statement], tenant, dataset, in: tx).isEmpty { throw Self.unknown(id) }
      _ = try await apply([statement], tenant, dataset, by: actor, in: tx)
    }
  }

  /// Labels many predictions in the caller's transaction: all of them or, if it throws, none.
  ///
  /// - Parameters:
  ///   - read: parses the statements of the request by the dataset; each prediction occurs once.
  ///   - refusal: the error for the positions of statements about absent predictions.
  /// - Throws: ``DomainError/notFound(what:)``, what `read` throws, the error of `refusal`.
  package func label(
    _ tenant: TenantID, dataset name: String, by actor: Actor = .commandLine, in tx: Transaction,
    reading read: @Sendable (Dataset) throws -> [Statement],
    refusing refusal: @Sendable (_ missing: [Int]) -> any Error
  ) async throws -> Outcome {
    let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
    let statements = try read(dataset)
    let missing = try await missing(statements, tenant, dataset, in: tx)
    guard missing.isEmpty else { throw refusal(missing) }
    var outcome = try await apply(statements, tenant, dataset, by: actor, in: tx)
    outcome.words = dataset.label.words
    return outcome
  }

  /// The positions of the statements about absent predictions. Present ones are locked against deletion until the
  /// transaction ends.
  private func missing(
    _ statements: [Statement], _ tenant: TenantID, _ dataset: Dataset, in tx: Transaction
  ) async throws -> [Int] {
    let rows = try await tx.query(
      """
      SELECT id FROM predictions
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = ANY(\(statements.map(\.id)))
      ORDER BY id FOR KEY SHARE
      """)
    guard rows.count < statements.count else { return [] }
    let known = Set(try rows.map { try $0.decode(UUID.self) })
    return statements.indices.filter { !known.contains(statements[$0].id) }
  }

  private func apply(
    _ statements: [Statement], _ tenant: TenantID, _ dataset: Dataset, by actor: Actor, in tx: Transaction
  ) async throws -> Outcome {
    let labelled = statements.filter { $0.trueLabel != nil }
    let removed = statements.filter { $0.trueLabel == nil }.map(\.id)
    if !removed.isEmpty || labelled.count > 1 {
      try await LabelIngest.lockOrder(tenant, dataset: dataset.id, exclusive: !removed.isEmpty, in: tx)
    }
    var change = LabelChange()
    var outcome = Outcome()
    if !removed.isEmpty {
      change = try await LabelStore.remove(
        tenant, dataset: dataset.id, where: " l.prediction_id = ANY(\(removed))", in: tx)
      outcome.deleted = change.counts.changes
      if outcome.deleted > 0 {
        try await LabelStore.record(outcome.deleted, tenant, dataset, by: actor, in: tx)
      }
    }
    if !labelled.isEmpty {
      for row in try await tx.query(Self.upsert(labelled, tenant, dataset.id)) {
        let (trueLabel, replaced, version, predicted, count) = try row.decode(
          Bool.self, Bool?.self, Int.self, Bool.self, Int.self)
        change.live.add(count, version: version, predicted: predicted, outcome: trueLabel)
        for _ in 0..<count {
          change.counts.add(replaced.map { .changed(from: $0, to: trueLabel) } ?? .inserted(trueLabel))
        }
        if let replaced {
          change.live.add(-count, version: version, predicted: predicted, outcome: replaced)
          outcome.updated += count
        } else {
          outcome.inserted += count
        }
      }
    }
    outcome.unchanged = statements.count - outcome.inserted - outcome.updated - outcome.deleted
    guard change.counts.changes > 0 else {
      outcome.labelsStored = try await LabelCounting.counts(tenant, dataset: dataset.id, in: tx).stored
      return outcome
    }
    let (counts, job) = try await change.settle(tenant, dataset, autoTraining, in: tx)
    outcome.labelsStored = counts.stored
    outcome.trainingJob = job
    return outcome
  }

  /// Upserts the training rows; returns their old and new outcomes, counted.
  private static func upsert(_ labelled: [Statement], _ tenant: TenantID, _ dataset: Int) -> Query {
    """
    WITH stored AS (
      INSERT INTO labels AS l (tenant_id, dataset_id, label, numbers, categories, prediction_id, model_version,
                               probability, predicted)
      SELECT p.tenant_id, p.dataset_id, s.truth, p.numbers, p.categories, p.id, p.model_version, p.probability, p.label
      FROM unnest(\(labelled.map(\.id))::uuid[], \(labelled.map { $0.trueLabel ?? false })::boolean[]) AS s(id, truth)
      JOIN predictions p ON p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND p.id = s.id
      ORDER BY p.id
      ON CONFLICT (tenant_id, dataset_id, prediction_id) WHERE prediction_id IS NOT NULL
      DO UPDATE SET label = excluded.label, replaced_label = l.label, updated_at = now(), change_id = excluded.id
      WHERE l.label <> excluded.label
      RETURNING l.label, l.replaced_label, l.model_version, l.predicted)
    SELECT label, replaced_label, model_version, predicted, count(*) FROM stored GROUP BY 1, 2, 3, 4
    """
  }

  private static func unknown(_ id: UUID) -> DomainError {
    .notFound(what: "prediction \(id.uuidString.lowercased())")
  }
}
