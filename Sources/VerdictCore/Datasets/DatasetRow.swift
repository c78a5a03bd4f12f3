import Foundation
import PostgreSQL
import RowFormats

/// Reads datasets from their table.
enum DatasetRow {
  /// The columns of a dataset, of a table aliased `d`.
  static let columns = """
    d.id, d.name, d.features, d.label_name, d.label_positive, d.label_negative, \(DatasetSettings.object), d.active_version,
    d.revision, d.created_at, d.updated_at
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

  /// A row of ``columns``.
  static func dataset(_ row: Row) throws -> Dataset {
    try dataset(
      row.decode(
        Int.self, String.self, JSONB.self, String.self, String?.self, String?.self, JSONB.self, Int?.self,
        Int.self,
        Date.self, Date.self))
  }

  /// A row of ``summaries``.
  static func summary(_ row: Row) throws -> DatasetSummary {
    let (
      id, name, features, labelName, positive, negative, settings, version, revision, created, updated,
      positives, negatives, changes, trainedAt, labelsUsed
    ) = try row.decode(
      Int.self, String.self, JSONB.self, String.self, String?.self, String?.self, JSONB.self, Int?.self,
      Int.self,
      Date.self, Date.self, Int.self, Int.self, Int.self, Date?.self, Int?.self)
    let dataset = try dataset(
      (id, name, features, labelName, positive, negative, settings, version, revision, created, updated))
    var active: DatasetSummary.ActiveModel?
    if let version, let trainedAt, let labelsUsed {
      active = .init(version: version, trainedAt: trainedAt, labelsUsed: labelsUsed)
    }
    return DatasetSummary(
      dataset: dataset,
      counts: LabelCounts(positives: positives, negatives: negatives, changes: changes),
      activeModel: active)
  }

  /// The values of ``columns``.
  typealias Columns = (
    Int, String, JSONB, String, String?, String?, JSONB, Int?, Int, Date, Date
  )

  /// The dataset with these values.
  static func dataset(_ columns: Columns) throws -> Dataset {
    let (id, name, features, labelName, positive, negative, settings, version, revision, created, updated) =
      columns
    return Dataset(
      id: id, name: name, features: try features.decode([Feature].self),
      label: LabelDefinition(name: labelName, positive: positive, negative: negative),
      settings: try settings.decode(DatasetSettings.self), activeVersion: version, revision: revision,
      createdAt: created, updatedAt: updated)
  }
}
