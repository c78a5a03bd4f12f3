package import Foundation
import PostgreSQL

/// Deletes stored predictions: one, or all that match a filter.
///
/// A label made of a prediction is a training row of its own, with its own copy of the values, and stays unless its deletion is asked
/// for, as it stays when the prediction's retention ends. The live KPIs count labels, and do not change while the labels stay.
package struct PredictionDeletion: Sendable {
  /// The numbers of deleted rows.
  package struct Outcome: Sendable, Equatable {
    /// Predictions.
    package var predictions = 0
    /// Labels made of them.
    package var labels = 0
  }

  /// The largest number of predictions that one transaction deletes.
  package static let rowsPerStep = 5_000

  private let database: Database
  private let datasets: DatasetStore
  private let autoTraining: AutoTraining

  /// Deletes from `database`; `autoTraining` decides whether the deletion of labels makes a training due.
  package init(database: Database, autoTraining: AutoTraining) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.autoTraining = autoTraining
  }

  /// Deletes one prediction.
  ///
  /// - Parameter labels: whether the label made of it goes, too.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func delete(
    _ tenant: TenantID, dataset name: String, id: UUID, withLabels labels: Bool,
    by actor: Actor = .commandLine
  ) async throws {
    let deleted = try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      let ids = try await Self.lock(tenant, dataset.id, where: " AND p.id = \(id)", limit: 1, in: tx)
      return try await delete(
        ids, tenant, dataset, withLabels: labels, waiting: LabelIngest.patience, by: actor, in: tx)
    }
    guard deleted.predictions == 1 else {
      throw DomainError.notFound(what: "prediction \(id.uuidString.lowercased())")
    }
  }

  /// Deletes the predictions that match `filter`; an empty filter matches all.
  ///
  /// The rows go in steps, each in a transaction of its own with its entry in the audit log, so that no transaction holds many locks
  /// and other tenants find connections in between. A deletion that is interrupted has deleted the oldest rows.
  ///
  /// - Parameter labels: whether the labels made of them go, too.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func delete(
    _ tenant: TenantID, dataset name: String, where filter: PredictionFilter, withLabels labels: Bool,
    by actor: Actor = .commandLine, rowsPerStep: Int = Self.rowsPerStep
  ) async throws -> Outcome {
    let read = try await datasets.dataset(tenant, named: name)
    var outcome = Outcome()
    var last: UUID?
    while true {
      let after = last
      let (deleted, end) = try await database.transaction(for: tenant) { tx -> (Outcome, UUID?) in
        let dataset = try await datasets.lock(tenant, read, in: tx)
        let ids = try await Self.lock(
          tenant, dataset.id, matching: filter, after: after, limit: rowsPerStep, in: tx)
        let deleted = try await delete(
          ids, tenant, dataset, withLabels: labels, waiting: LabelIngest.longPatience, by: actor, in: tx)
        return (deleted, ids.count < rowsPerStep ? nil : ids.last)
      }
      outcome.predictions += deleted.predictions
      outcome.labels += deleted.labels
      guard let end else { return outcome }
      last = end
      try Task.checkCancellation()
    }
  }

  /// Deletes locked predictions, and records it.
  private func delete(
    _ ids: [UUID], _ tenant: TenantID, _ dataset: Dataset, withLabels labels: Bool, waiting limit: Duration,
    by actor: Actor, in tx: Transaction
  ) async throws -> Outcome {
    guard !ids.isEmpty else { return Outcome() }
    let (deleted, change) = try await Self.remove(
      ids, tenant, dataset: dataset.id, withLabels: labels, waiting: limit, in: tx)
    let outcome = Outcome(predictions: deleted, labels: change.counts.changes)
    try await AuditLog.record(
      tenant, actor, .predictionsDeleted, "dataset \(dataset.name)", detail: Self.words(outcome), in: tx)
    if outcome.labels > 0 {
      _ = try await change.settle(tenant, dataset, autoTraining, gates: database, in: tx)
    }
    try await tx.query(PredictionCounting.add(-deleted, tenant))
    return outcome
  }

  /// The first predictions that match a filter, after an id, in the order of their ids, locked.
  private static func lock(
    _ tenant: TenantID, _ dataset: Int, matching filter: PredictionFilter, after last: UUID?, limit: Int,
    in tx: Transaction
  ) async throws -> [UUID] {
    // The condition begins with WHERE; the labels are joined only for a filter that asks about them.
    var query: Query = "SELECT p.id FROM predictions p "
    if filter.labelled != nil {
      query =
        query + """
          LEFT JOIN labels l
            ON l.tenant_id = p.tenant_id AND l.dataset_id = p.dataset_id AND l.prediction_id = p.id

          """
    }
    query = query + PredictionStore.condition(tenant, dataset, filter)
    if let last { query = query + " AND p.id > \(last)" }
    return try await tx.query(query + " ORDER BY p.id LIMIT \(limit) FOR UPDATE OF p").map {
      try $0.decode(UUID.self)
    }
  }

  /// The first predictions of a dataset that meet a condition, ` AND …`, in the order of their ids, locked. All deletions lock in
  /// that order, so that two of them cannot deadlock.
  static func lock(
    _ tenant: TenantID, _ dataset: Int, where condition: Query, limit: Int, in tx: Transaction
  ) async throws -> [UUID] {
    try await tx.query(
      "SELECT p.id FROM predictions p WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset)" + condition
        + " ORDER BY p.id LIMIT \(limit) FOR UPDATE"
    ).map { try $0.decode(UUID.self) }
  }

  /// Deletes locked predictions, and the labels made of them. The caller settles the change, and counts the predictions last.
  ///
  /// The predictions are locked before the order of labels (``LabelIngest/lockOrder(_:dataset:exclusive:within:in:)``), as ``Feedback``
  /// does it: a label that is being made of one of them is stored before, and deleted here.
  ///
  /// - Parameters:
  ///   - labels: whether the labels go.
  ///   - erasing: whether models that used the labels are marked as having used erased ones.
  static func remove(
    _ ids: [UUID], _ tenant: TenantID, dataset: Int, withLabels labels: Bool, erasing: Bool = false,
    waiting limit: Duration, in tx: Transaction
  ) async throws -> (predictions: Int, change: LabelChange) {
    let deleted = try await tx.query(
      "DELETE FROM predictions WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id = ANY(\(ids))"
    ).affectedRows
    guard labels else { return (deleted, LabelChange()) }
    try await LabelIngest.lockOrder(tenant, dataset: dataset, exclusive: true, within: limit, in: tx)
    let change = try await LabelStore.remove(
      tenant, dataset: dataset, where: " l.prediction_id = ANY(\(ids))", erasing: erasing, in: tx)
    return (deleted, change)
  }

  private static func words(_ outcome: Outcome) -> String {
    let predictions = outcome.predictions == 1 ? "1 prediction" : "\(outcome.predictions) predictions"
    guard outcome.labels > 0 else { return predictions }
    return predictions + (outcome.labels == 1 ? " and 1 label" : " and \(outcome.labels) labels")
  }
}
