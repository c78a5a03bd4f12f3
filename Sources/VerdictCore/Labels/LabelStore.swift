import Foundation
package import PostgreSQL
import RowFormats

/// Reads, corrects and deletes the labels of datasets. ``LabelIngest`` stores new ones.
package struct LabelStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore
  private let autoTraining: AutoTraining

  /// The labels in `database`; `autoTraining` decides whether a change makes a training due.
  package init(database: Database, autoTraining: AutoTraining) {
    self.database = database
    self.datasets = DatasetStore(database: database)
    self.autoTraining = autoTraining
  }

  /// The labels of a dataset that match `filter` (an empty one matches all), after the id `cursor`, in the order of their ids,
  /// at most `limit`, and fewer if they reach ``PageBudget/bytes``.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func list(
    _ tenant: TenantID, dataset name: String, where filter: LabelFilter = LabelFilter(), after cursor: Int?,
    limit: Int
  ) async throws -> (Dataset, [Label]) {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let labels = try await PageBudget.read(
        limit: limit, largest: dataset.largestRow, size: { dataset.rowText($0.row) }
      ) { last, count in
        try await tx.query(
          """
          SELECT \(unescaped: Self.columns) FROM labels l
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id > \(last?.id ?? cursor ?? 0) AND
          """ + filter.condition() + " ORDER BY id LIMIT \(count)"
        ).map(Self.label)
      }
      return (dataset, labels)
    }
  }

  /// One label.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func label(
    _ tenant: TenantID, dataset name: String, id: Int
  ) async throws -> (Dataset, Label) {
    try await database.read(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return (dataset, try await Self.label(tenant, dataset: dataset.id, id: id, lock: "", in: tx))
    }
  }

  /// Corrects one label.
  ///
  /// - Parameter change: returns the new row for the dataset and the present row.
  /// - Throws: ``DomainError/notFound(what:)``, and what `change` throws.
  package func change(
    _ tenant: TenantID, dataset name: String, id: Int,
    _ change: @Sendable (Dataset, Label) throws -> Label
  ) async throws -> (Dataset, Label) {
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      let old = try await Self.label(tenant, dataset: dataset.id, id: id, lock: "FOR UPDATE", in: tx)
      let new = try change(dataset, old)
      let updated = try await tx.query(
        """
        UPDATE labels SET label = \(new.label), numbers = \(new.row.numbers), categories = \(new.row.categories),
                          reference = \(new.attributes.reference), group_name = \(new.attributes.group),
                          occurred_at = \(new.attributes.occurredAt), weight = \(new.attributes.weight),
                          split = \(new.attributes.split?.rawValue),
                          updated_at = now(), change_id = nextval('labels_id_seq')
        WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = \(id)
        RETURNING \(unescaped: Self.columns)
        """
      ).single()
      var change = LabelChange(counts: .changed(from: old.label, to: new.label))
      if old.label != new.label, old.predictionID != nil {
        let (version, predicted) = try await tx.query(
          """
          SELECT model_version, predicted FROM labels
          WHERE tenant_id = \(tenant) AND dataset_id = \(dataset.id) AND id = \(id)
          """
        ).single().decode(Int?.self, Bool?.self)
        change.live.add(-1, version: version, predicted: predicted, outcome: old.label)
        change.live.add(1, version: version, predicted: predicted, outcome: new.label)
      }
      _ = try await change.settle(tenant, dataset, autoTraining, gates: database, in: tx)
      return (dataset, try Self.label(updated))
    }
  }

  /// Deletes the labels that match `filter`, and marks the models that were trained on them.
  ///
  /// - Returns: the number of deleted rows.
  /// - Throws: ``DomainError/notFound(what:)``.
  package func delete(
    _ tenant: TenantID, dataset name: String, where filter: LabelFilter, by actor: Actor = .commandLine
  ) async throws -> Int {
    guard filter.isGiven else { return 0 }
    return try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      return try await delete(
        tenant, dataset, where: filter.condition(), waiting: LabelIngest.longPatience, by: actor, in: tx)
    }
  }

  /// Deletes one label.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func delete(
    _ tenant: TenantID, dataset name: String, id: Int, by actor: Actor = .commandLine
  ) async throws {
    var filter = LabelFilter()
    filter.ids = [id]
    let condition = filter.condition()
    try await database.transaction(for: tenant) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, lock: .keyShare, in: tx)
      // A label that does not exist waits for nobody.
      _ = try await Self.label(tenant, dataset: dataset.id, id: id, lock: "", in: tx)
      let deleted = try await delete(
        tenant, dataset, where: condition, waiting: LabelIngest.patience, by: actor, in: tx)
      guard deleted == 1 else { throw DomainError.notFound(what: "label \(id)") }
    }
  }

  private func delete(
    _ tenant: TenantID, _ dataset: Dataset, where condition: Query, waiting limit: Duration, by actor: Actor,
    in tx: Transaction
  ) async throws -> Int {
    // Deletions lock rows in another order than upserts, so they exclude each other to prevent deadlocks.
    try await LabelIngest.lockOrder(tenant, dataset: dataset.id, exclusive: true, within: limit, in: tx)
    let change = try await Self.remove(tenant, dataset: dataset.id, where: condition, in: tx)
    guard change.counts.changes > 0 else { return 0 }
    try await Self.record(change.counts.changes, tenant, dataset, by: actor, in: tx)
    _ = try await change.settle(tenant, dataset, autoTraining, gates: database, in: tx)
    return change.counts.changes
  }

  /// Records a deletion of labels in the audit log.
  static func record(
    _ deleted: Int, _ tenant: TenantID, _ dataset: Dataset, by actor: Actor, in tx: Transaction
  ) async throws {
    try await AuditLog.record(
      tenant, actor, .labelsDeleted, "dataset \(dataset.name)",
      detail: deleted == 1 ? "1 label" : "\(deleted) labels", in: tx)
  }

  /// Deletes the labels `l` of a dataset that meet `condition`. The caller's transaction has taken the exclusive
  /// ``LabelIngest/lockOrder(_:dataset:exclusive:in:)`` and settles the returned change.
  ///
  /// - Parameter erasing: whether the models that used the labels are marked as having used erased ones, too.
  static func remove(
    _ tenant: TenantID, dataset: Int, where condition: Query, erasing: Bool = false, in tx: Transaction
  ) async throws -> LabelChange {
    let deletion: Query =
      """
      WITH gone AS (
        DELETE FROM labels l
        WHERE l.tenant_id = \(tenant) AND l.dataset_id = \(dataset) AND
      """ + condition
        + """
           RETURNING l.id, l.label, l.model_version, l.predicted),
        marked AS (
          UPDATE models m SET labels_deleted_since = least(m.labels_used, m.labels_deleted_since + used.count),
            erased_labels = CASE WHEN \(erasing) THEN least(m.labels_used, m.erased_labels + used.count) ELSE m.erased_labels END
          FROM models v
          CROSS JOIN LATERAL (SELECT count(*) AS count FROM gone WHERE gone.id <= v.last_label_id) used
          WHERE v.tenant_id = \(tenant) AND v.dataset_id = \(dataset) AND used.count > 0
            AND m.tenant_id = v.tenant_id AND m.dataset_id = v.dataset_id AND m.version = v.version)
        SELECT label, model_version, predicted, count(*) FROM gone GROUP BY 1, 2, 3
        """
    var change = LabelChange()
    for row in try await tx.query(deletion) {
      let (label, version, predicted, count) = try row.decode(Bool.self, Int?.self, Bool?.self, Int.self)
      change.counts.add(.deleted(positives: label ? count : 0, negatives: label ? 0 : count))
      change.live.add(-count, version: version, predicted: predicted, outcome: label)
    }
    if change.counts.changes > 0 { try await ProfileStore.discard(tenant, dataset: dataset, in: tx) }
    return change
  }

  static let columns = """
    id, label, numbers, categories, key, prediction_id, created_at, updated_at, reference, group_name, occurred_at, weight, split
    """

  static func label(
    _ tenant: TenantID, dataset: Int, id: Int, lock: String, in tx: some QueryExecutor
  ) async throws -> Label {
    let rows = try await tx.query(
      """
      SELECT \(unescaped: columns) FROM labels
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND id = \(id) \(unescaped: lock)
      """)
    guard let row = rows.first else { throw DomainError.notFound(what: "label \(id)") }
    return try label(row)
  }

  static func label(_ row: Row) throws -> Label {
    let (
      id, label, numbers, categories, key, predictionID, createdAt, updatedAt, reference, group, occurredAt,
      weight, split
    ) = try row.decode(
      Int.self, Bool.self, [Double?].self, [String?].self, String?.self, UUID?.self, Date.self, Date.self,
      String?.self, String?.self, Date?.self, Double?.self, String?.self)
    var attributes = RowAttributeValues()
    attributes.reference = reference
    attributes.group = group
    attributes.occurredAt = occurredAt
    attributes.weight = weight
    attributes.split = split.flatMap(RowSplit.init(rawValue:))
    return Label(
      id: id, label: label, row: FeatureRow(numbers: numbers, categories: categories), key: key,
      attributes: attributes, predictionID: predictionID, createdAt: createdAt, updatedAt: updatedAt)
  }
}
