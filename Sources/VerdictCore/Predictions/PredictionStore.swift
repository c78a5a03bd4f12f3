public import Foundation
import Learning
public import PostgreSQL

/// The stored predictions of datasets.
public struct PredictionStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore

  /// The predictions in `database`.
  public init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The predictions of a dataset before the id `cursor`, newest first, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  public func list(
    _ tenant: TenantID, dataset name: String, where filter: PredictionFilter, before cursor: UUID?, limit: Int
  ) async throws -> (Dataset, [StoredPrediction]) {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      var query =
        Self.select + "WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset.id)"
      if let cursor { query = query + " AND p.id < \(cursor)" }
      if let version = filter.modelVersion { query = query + " AND p.model_version = \(version)" }
      switch filter.labelled {
      case true: query = query + " AND l.id IS NOT NULL"
      case false: query = query + " AND l.id IS NULL"
      default: break
      }
      let rows = try await tx.query(query + " ORDER BY p.id DESC LIMIT \(limit)")
      return (dataset, try rows.map(Self.prediction))
    }
  }

  /// One prediction.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  public func prediction(
    _ tenant: TenantID, dataset name: String, id: UUID
  ) async throws -> (Dataset, StoredPrediction) {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      return (dataset, try await Self.prediction(tenant, dataset: dataset.id, id: id, in: tx))
    }
  }

  static func prediction(
    _ tenant: TenantID, dataset: Int, id: UUID, in tx: some QueryExecutor
  ) async throws -> StoredPrediction {
    let rows = try await tx.query(
      select + "WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset) AND p.id = \(id)")
    guard let row = rows.first else {
      throw DomainError.notFound(what: "prediction \(id.uuidString.lowercased())")
    }
    return try prediction(row)
  }

  private static let select: Query = """
    SELECT p.id, p.created_at, p.model_version, p.label, p.probability, p.threshold, p.numbers, p.categories,
           p.warnings, l.label, l.updated_at
    FROM predictions p
    LEFT JOIN labels l
      ON l.tenant_id = p.tenant_id AND l.dataset_id = p.dataset_id AND l.prediction_id = p.id

    """

  private static func prediction(_ row: Row) throws -> StoredPrediction {
    let (
      id, createdAt, version, label, probability, threshold, numbers, categories, warnings, truth, truthAt
    ) = try row.decode(
      UUID.self, Date.self, Int.self, Bool.self, Double.self, Double.self, [Double?].self, [String?].self,
      JSONB?.self, Bool?.self, Date?.self)
    var known: StoredPrediction.Truth?
    if let truth, let truthAt { known = .init(label: truth, at: truthAt) }
    return StoredPrediction(
      id: id, createdAt: createdAt, modelVersion: version, label: label, probability: probability,
      threshold: threshold, row: FeatureRow(numbers: numbers, categories: categories),
      warnings: try warnings?.decode([PredictionWarning].self) ?? [], truth: known)
  }
}
