import Foundation
import Learning
import PostgreSQL
import RowFormats

/// Reads datasets with their active models from the database and prepares them for predictions.
///
/// The description, the KPIs and the version of the active model come from one statement, and so from one snapshot. A small
/// model comes with them. A large one is read in a turn of its tenant (``ModelTurns``), once for all callers that wait for
/// it, and decoded when the connection is back in the pool.
struct ServedDatasetLoader: Sendable {
  /// A version of a dataset's models, which never changes.
  private struct Version: Hashable {
    var tenant: TenantID
    var dataset: Int
    var version: Int
  }

  /// The result of the statement that reads a dataset.
  private struct Description: Sendable {
    var dataset: Dataset
    var active: ActiveModel?
    var evidence: GateEvidence?
  }

  private struct ActiveModel: Sendable {
    var version: Int
    var labelsUsed: Int
    var kpis: KPIs
    /// The model, if it is small and the caller does not know it.
    var model: JSONB?
  }

  private let database: Database
  private let turns: ModelTurns
  private let large = SingleFlight<Version, ServedModel?>()

  /// How often a large model is read again that was replaced and deleted before it could be read.
  private static let attempts = 10

  init(database: Database, turns: ModelTurns) {
    self.database = database
    self.turns = turns
  }

  /// The present state of a dataset.
  ///
  /// - Parameters:
  ///   - known: an earlier state, whose model is used again if it is still the active one.
  ///   - tx: the caller's transaction, in which queries run.
  ///   - found: called with the number of the dataset once it is known.
  /// - Throws: ``DomainError/notFound(what:)``, ``ModelTurns/Busy``, ``ServedDatasets/Changing``, ``PostgreSQLError``.
  func load(
    _ tenant: TenantID, named name: String, known: ServedDataset?, asking tx: Transaction?,
    found: @Sendable (Int) -> Void
  ) async throws -> ServedDataset {
    for _ in 0..<Self.attempts {
      let description = try await describe(tenant, named: name, known: known, asking: tx)
      let dataset = description.dataset
      found(dataset.id)
      guard let active = description.active else {
        return ServedDataset(dataset: dataset, schema: dataset.schema, model: nil, evidence: nil)
      }
      guard let model = try await model(active, tenant, dataset, known: known, asking: tx) else { continue }
      return ServedDataset(
        dataset: dataset, schema: dataset.schema, model: model, evidence: description.evidence)
    }
    throw ServedDatasets.Changing()
  }

  private func describe(
    _ tenant: TenantID, named name: String, known: ServedDataset?, asking tx: Transaction?
  ) async throws -> Description {
    if let tx {
      return try await describe(tenant, named: name, known: known, in: tx.limited(to: Database.lookUpLimit))
    }
    return try await database.lookUp(for: tenant) {
      try await describe(tenant, named: name, known: known, in: $0)
    }
  }

  private func describe(
    _ tenant: TenantID, named name: String, known: ServedDataset?, in tx: Transaction
  ) async throws -> Description {
    // The size is that in the table, which PostgreSQL knows without decompressing the model.
    let rows = try await tx.query(
      """
      SELECT \(unescaped: DatasetRow.columns), m.version, m.labels_used, k.kpis,
        CASE WHEN (d.id, m.version) IS DISTINCT FROM (\(known?.dataset.id ?? 0)::bigint, \(known?.model?.version ?? 0)::int)
          AND pg_column_size(m.model) < \(ModelTurns.largeModel) THEN m.model END
      FROM datasets d
      LEFT JOIN models m ON m.tenant_id = d.tenant_id AND m.dataset_id = d.id AND m.version = d.active_version
      LEFT JOIN kpis k ON k.tenant_id = m.tenant_id AND k.dataset_id = m.dataset_id AND k.model_version = m.version
      WHERE d.tenant_id = \(tenant) AND d.name = \(name) AND d.writable
      """)
    guard let row = rows.first else { throw DomainError.notFound(what: "dataset \(name)") }
    let (
      id, storedName, features, labelName, positive, negative, settings, activeVersion, revision, created,
      updated,
      version, labelsUsed, kpis, model
    ) = try row.decode(
      Int.self, String.self, JSONB.self, String.self, String?.self, String?.self, JSONB.self, Int?.self,
      Int.self, Date.self, Date.self, Int?.self, Int?.self, JSONB?.self, JSONB?.self)
    var description = Description(
      dataset: try DatasetRow.dataset(
        (
          id, storedName, features, labelName, positive, negative, settings, activeVersion, revision, created,
          updated
        )))
    guard let version, let labelsUsed, let kpis else { return description }
    let active = ActiveModel(
      version: version, labelsUsed: labelsUsed, kpis: try kpis.decode(KPIs.self), model: model)
    description.active = active
    if let gate = description.dataset.settings.gate {
      description.evidence = try await LiveMeasuring.evidence(
        for: gate, outcomeAfterDays: description.dataset.settings.outcomeAfterDays, tenant, dataset: id,
        version: version, validation: active.kpis, in: tx)
    }
    return description
  }

  /// The active model, ready to predict; `nil` if it was deleted before it could be read.
  private func model(
    _ active: ActiveModel, _ tenant: TenantID, _ dataset: Dataset, known: ServedDataset?,
    asking tx: Transaction?
  ) async throws -> ServedModel? {
    if let model = known?.model, known?.dataset.id == dataset.id, model.version == active.version,
      model.fits(dataset.features)
    {
      return model
    }
    if let stored = active.model { return try Self.prepare(stored, active, dataset.features) }
    if let tx {
      return try await turns.withTurn(for: tenant, .prediction) {
        try await read(active, tenant, dataset, in: tx)
      }
    }
    let key = Version(tenant: tenant, dataset: dataset.id, version: active.version)
    let model = try await large.value(for: key) { [self] in
      try await turns.withTurn(for: tenant, .prediction) { try await read(active, tenant, dataset, in: nil) }
    }
    guard let model, !model.fits(dataset.features) else { return model }
    // Another caller began with other lists of categories.
    return try await turns.withTurn(for: tenant, .prediction) {
      try await read(active, tenant, dataset, in: nil)
    }
  }

  /// Reads and decodes a large model.
  private func read(
    _ active: ActiveModel, _ tenant: TenantID, _ dataset: Dataset, in tx: Transaction?
  ) async throws -> ServedModel? {
    let stored: JSONB?
    if let tx {
      stored = try await Self.stored(
        active.version, tenant, dataset.id, in: tx.limited(to: ModelTurns.readLimit))
    } else {
      stored = try await database.transaction(for: tenant, readOnly: true, within: ModelTurns.readLimit) {
        try await Self.stored(active.version, tenant, dataset.id, in: $0)
      }
    }
    guard let stored else { return nil }
    defer { ModelTurns.decoded(stored.bytes.count) }
    return try await BackgroundThreads.models.run { try Self.prepare(stored, active, dataset.features) }
  }

  private static func stored(
    _ version: Int, _ tenant: TenantID, _ dataset: Int, in tx: Transaction
  ) async throws -> JSONB? {
    try await tx.query(
      """
      SELECT model FROM models
      WHERE tenant_id = \(tenant) AND dataset_id = \(dataset) AND version = \(version)
      """
    ).first?.decode(JSONB.self)
  }

  private static func prepare(
    _ stored: JSONB, _ active: ActiveModel, _ features: [Feature]
  ) throws -> ServedModel {
    let model = StoredModelRecord.spelled(try stored.decode(StoredModel.self).model, features)
    return ServedModel(
      version: active.version, labelsUsed: active.labelsUsed, kpis: active.kpis, model: model,
      features: Array(features.prefix(model.featureNames.count)))
  }
}
