package import Foundation
import Learning
package import PostgreSQL
package import RowFormats

/// Labels stored predictions with their true outcomes, which turns them into training rows.
package struct Feedback: Sendable {
  /// The true outcome of one prediction, or of one case.
  package struct Statement: Sendable, Equatable {
    /// The prediction or the case that a statement is about.
    package enum Subject: Sendable, Hashable {
      /// The prediction with an id.
      case id(UUID)
      /// One prediction of the case with a reference: the newest of those that have a label, or the newest of all. A case that was
      /// predicted several times is one training row, and a later statement about it changes that row.
      case reference(String)

      /// The member of a request that names the subject.
      package var member: String {
        switch self {
        case .id: "id"
        case .reference: "reference"
        }
      }
    }

    /// The prediction.
    package var subject: Subject
    /// The true outcome; `nil` removes the label.
    package var trueLabel: Bool?

    /// Creates a statement about a prediction; see the properties.
    package init(id: UUID, trueLabel: Bool?) {
      self.init(.id(id), trueLabel: trueLabel)
    }

    /// Creates a statement; see the properties.
    package init(_ subject: Subject, trueLabel: Bool?) {
      self.subject = subject
      self.trueLabel = trueLabel
    }
  }

  /// A statement with the id of its prediction.
  struct Resolved: Sendable {
    /// The position of the statement in the request, from 0.
    var position: Int
    var subject: Statement.Subject
    var id: UUID
    var trueLabel: Bool?
  }

  /// A statement that cannot be applied.
  package struct Refusal: Sendable {
    /// The kinds of refusals.
    package enum Reason: Sendable {
      /// There is no such prediction.
      case unknown
      /// Another statement of the request is about the same prediction.
      case repeated
      /// The prediction has a number that no model can follow; the detail says what the label lacks.
      case outOfRange(detail: String)
    }

    /// The position of the statement in the request, from 0.
    package var position: Int
    /// The subject of the statement.
    package var subject: Statement.Subject
    /// The reason.
    package var reason: Reason
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
  /// - Throws: ``DomainError/notFound(what:)``, what `outcome` throws, `InputProblems` for a prediction with a number that
  ///   no model can follow.
  package func label(
    _ tenant: TenantID, dataset name: String, prediction id: UUID,
    as outcome: @Sendable (Dataset) throws -> Bool
  ) async throws -> (Dataset, StoredPrediction) {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      let statement = Resolved(position: 0, subject: .id(id), id: id, trueLabel: try outcome(dataset))
      let refusals = try await refusals(of: [statement], tenant, dataset, in: tx)
      switch refusals.first?.reason {
      case nil: _ = try await apply([statement], tenant, dataset, by: .commandLine, in: tx)
      case .unknown, .repeated: throw Self.unknown(id)
      case .outOfRange(let detail): throw InputProblems(InputProblem(pointer: "/label", detail: detail))
      }
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
      let statement = Resolved(position: 0, subject: .id(id), id: id, trueLabel: nil)
      if try await !refusals(of: [statement], tenant, dataset, in: tx).isEmpty { throw Self.unknown(id) }
      _ = try await apply([statement], tenant, dataset, by: actor, in: tx)
    }
  }

  /// Labels many predictions in the caller's transaction: all of them or, if it throws, none.
  ///
  /// - Parameters:
  ///   - read: parses the statements of the request by the dataset; each subject occurs once.
  ///   - refusal: the error for statements that cannot be applied.
  /// - Throws: ``DomainError/notFound(what:)``, what `read` throws, the error of `refusal`.
  package func label(
    _ tenant: TenantID, dataset name: String, by actor: Actor = .commandLine, in tx: Transaction,
    reading read: @Sendable (Dataset) throws -> [Statement],
    refusing refusal: @Sendable ([Refusal]) -> any Error
  ) async throws -> Outcome {
    let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
    let statements = try read(dataset)
    let (resolved, unresolved) = try await resolve(statements, tenant, dataset.id, in: tx)
    let refusals = try await unresolved + refusals(of: resolved, tenant, dataset, in: tx)
    guard refusals.isEmpty else { throw refusal(refusals.sorted { $0.position < $1.position }) }
    var outcome = try await apply(resolved, tenant, dataset, by: actor, in: tx)
    outcome.words = dataset.label.words
    return outcome
  }

  /// The statements that cannot be applied. Their predictions are locked against deletion until the transaction ends.
  ///
  /// A prediction has a number beyond the range of models only if it is older than the check of that range, and its model
  /// did not have the feature.
  private func refusals(
    of statements: [Resolved], _ tenant: TenantID, _ dataset: Dataset, in tx: Transaction
  ) async throws -> [Refusal] {
    let limit = FeatureValue.largestMagnitude
    let rows = try await tx.query(
      """
      SELECT id, CASE WHEN \(limit) < ANY(numbers) OR \(-limit) > ANY(numbers) THEN numbers END FROM predictions
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = ANY(\(statements.map(\.id)))
      ORDER BY id FOR KEY SHARE
      """
    ).map { try $0.decode(UUID.self, [Double?]?.self) }
    guard rows.count < statements.count || rows.contains(where: { $0.1 != nil }) else { return [] }
    let numbers = Dictionary(rows.map { ($0.0, $0.1) }) { first, _ in first }
    return statements.compactMap { statement in
      func refusal(_ reason: Refusal.Reason) -> Refusal {
        Refusal(position: statement.position, subject: statement.subject, reason: reason)
      }
      guard let found = numbers[statement.id] else { return refusal(.unknown) }
      guard let found, statement.trueLabel != nil else { return nil }
      let row = FeatureRow(numbers: found, categories: [])
      let feature = dataset.features.first { feature in
        if case .number(let number) = row[feature] { abs(number) > limit } else { false }
      }
      guard let feature else { return nil }
      let detail =
        "cannot be given, because the prediction's value of '\(feature.name)' \(dataset.schema.outOfRangeDetail)"
      return refusal(.outOfRange(detail: detail))
    }
  }

  private func apply(
    _ statements: [Resolved], _ tenant: TenantID, _ dataset: Dataset, by actor: Actor, in tx: Transaction
  ) async throws -> Outcome {
    let labelled = statements.filter { $0.trueLabel != nil }
    let removed = statements.filter { $0.trueLabel == nil }.map(\.id)
    if !removed.isEmpty || labelled.count > 1 {
      try await LabelIngest.lockOrder(
        tenant, dataset: dataset.id, exclusive: !removed.isEmpty,
        within: removed.isEmpty
          ? nil : statements.count == 1 ? LabelIngest.patience : LabelIngest.longPatience,
        in: tx)
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
    let (counts, job) = try await change.settle(tenant, dataset, autoTraining, gates: database, in: tx)
    outcome.labelsStored = counts.stored
    outcome.trainingJob = job
    return outcome
  }

  /// Upserts the training rows; returns their old and new outcomes, counted.
  private static func upsert(_ labelled: [Resolved], _ tenant: TenantID, _ dataset: Int) -> Query {
    """
    WITH stored AS (
      INSERT INTO labels AS l (tenant_id, dataset_id, label, numbers, categories, prediction_id, model_version,
                               probability, predicted, occurred_at, group_name, reference)
      SELECT p.tenant_id, p.dataset_id, s.truth, p.numbers, p.categories, p.id, p.model_version, p.probability, p.label,
             coalesce(p.occurred_at, p.created_at), p.group_name, p.reference
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
