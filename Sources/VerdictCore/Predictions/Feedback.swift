public import Foundation
public import PostgreSQL

/// Labelling predictions afterwards: what was true becomes a training row of its own.
public struct Feedback: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let labels: LabelStore
  private let autoTraining: AutoTraining

  /// Feedback into `database`.
  public init(database: Database, autoTraining: AutoTraining) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.labels = LabelStore(database: database, autoTraining: autoTraining)
    self.autoTraining = autoTraining
  }

  /// Says what was true of a prediction. The training row that comes of it is made once and changed afterwards;
  /// saying the same again changes nothing.
  ///
  /// - Parameter truth: what was true, which may be said in the dataset's own words.
  /// - Throws: ``DomainError/notFound(what:)``, what `truth` throws.
  public func label(
    _ tenant: TenantID, dataset name: String, prediction id: UUID,
    as truth: @Sendable (Dataset) throws -> Bool
  ) async throws -> (Dataset, StoredPrediction) {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      let truth = try truth(dataset)
      let stored = try await tx.query(
        """
        INSERT INTO labels (tenant_id, dataset_id, label, numbers, categories, prediction_id)
        SELECT tenant_id, dataset_id, \(truth), numbers, categories, id FROM predictions
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = \(id)
        ON CONFLICT (tenant_id, dataset_id, prediction_id) WHERE prediction_id IS NOT NULL
        DO UPDATE SET label = excluded.label, replaced_label = labels.label, updated_at = now(),
                      change_id = excluded.id
        WHERE labels.label <> excluded.label
        RETURNING replaced_label
        """)
      if let row = stored.first {
        let replaced = try row.decode(Bool?.self)
        let change = replaced.map { CountChange.changed(from: $0, to: truth) } ?? .inserted(truth)
        let counts = try await LabelCounting.add(change, tenant, dataset: dataset.id, in: tx)
        _ = try await autoTraining.changed(tenant, dataset, counts: counts, in: tx)
      }
      return (dataset, try await PredictionStore.prediction(tenant, dataset: dataset.id, id: id, in: tx))
    }
  }

  /// Takes back what was said of a prediction, and with it the training row.
  ///
  /// - Throws: ``DomainError/notFound(what:)`` when there is no such prediction; taking back twice is no error.
  public func removeLabel(_ tenant: TenantID, dataset name: String, prediction id: UUID) async throws {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      _ = try await PredictionStore.prediction(tenant, dataset: dataset.id, id: id, in: tx)
      _ = try await labels.delete(tenant, dataset, where: " l.prediction_id = \(id)", in: tx)
    }
  }
}
