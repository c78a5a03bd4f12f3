import Foundation
import Learning
import PostgreSQL
import RowFormats

/// How datasets are read from their table.
enum DatasetRow {
  /// The columns of a dataset, of a table aliased `d`.
  static let columns = """
    d.id, d.name, d.features, d.label_name, d.label_positive, d.auto_train, d.gate, d.training, d.active_version,
    d.revision, d.created_at, d.updated_at, d.activation, d.models_kept, d.predictions_kept_days
    """

  /// Datasets with their counts and active models; a WHERE clause on `d` follows.
  static let summaries: Query = """
    SELECT \(unescaped: columns), c.positives, c.negatives, c.changes, m.created_at, m.labels_used
    FROM datasets d
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(positives), 0)::bigint AS positives, coalesce(sum(negatives), 0)::bigint AS negatives,
             coalesce(sum(changes), 0)::bigint AS changes
      FROM label_counts c WHERE c.tenant_id = d.tenant_id AND c.dataset_id = d.id) c
    LEFT JOIN models m
      ON m.tenant_id = d.tenant_id AND m.dataset_id = d.id AND m.version = d.active_version

    """

  static func dataset(_ row: Row) throws -> Dataset {
    let columns = try row.decode(
      Int.self, String.self, JSONB.self, String.self, String?.self, JSONB.self, JSONB?.self, JSONB.self,
      Int?.self, Int.self, Date.self, Date.self, JSONB.self, Int.self, Int?.self)
    return try dataset(columns)
  }

  static func summary(_ row: Row) throws -> DatasetSummary {
    let (
      id, name, features, labelName, positive, autoTrain, gate, training, version, revision, created, updated,
      activation, modelsKept, kept, positives, negatives, changes, trainedAt, labelsUsed
    ) = try row.decode(
      Int.self, String.self, JSONB.self, String.self, String?.self, JSONB.self, JSONB?.self, JSONB.self,
      Int?.self, Int.self, Date.self, Date.self, JSONB.self, Int.self, Int?.self, Int.self, Int.self,
      Int.self,
      Date?.self,
      Int?.self)
    let dataset = try dataset(
      (
        id, name, features, labelName, positive, autoTrain, gate, training, version, revision, created,
        updated, activation, modelsKept, kept
      ))
    var active: DatasetSummary.ActiveModel?
    if let version, let trainedAt, let labelsUsed {
      active = .init(version: version, trainedAt: trainedAt, labelsUsed: labelsUsed)
    }
    return DatasetSummary(
      dataset: dataset,
      counts: LabelCounts(positives: positives, negatives: negatives, changes: changes),
      activeModel: active)
  }

  private typealias Columns = (
    Int, String, JSONB, String, String?, JSONB, JSONB?, JSONB, Int?, Int, Date, Date, JSONB, Int, Int?
  )

  private static func dataset(_ c: Columns) throws -> Dataset {
    Dataset(
      id: c.0, name: c.1, features: try c.2.decode([Feature].self),
      label: LabelDefinition(name: c.3, positive: c.4),
      autoTrain: try c.5.decode(AutoTrain.self), gate: try c.6?.decode(Gate.self),
      training: try c.7.decode(TrainingParameters.self), activation: try c.12.decode(Activation.self),
      modelsKept: c.13, predictionsKeptDays: c.14, activeVersion: c.8, revision: c.9,
      createdAt: c.10, updatedAt: c.11)
  }
}
