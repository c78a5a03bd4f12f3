package import Foundation
import Learning
package import PostgreSQL

/// The stored predictions of datasets.
package struct PredictionStore: Sendable {
  private let database: Database
  private let datasets: DatasetStore

  /// The predictions in `database`.
  package init(database: Database) {
    self.database = database
    self.datasets = DatasetStore(database: database)
  }

  /// The predictions of a dataset in some order, at most `limit`.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func list(
    _ tenant: TenantID, dataset name: String, where filter: PredictionFilter, in order: PredictionOrder,
    limit: Int
  ) async throws -> (Dataset, [StoredPrediction]) {
    try await database.transaction(for: tenant, readOnly: true) { tx in
      let dataset = try await datasets.dataset(tenant, named: name, in: tx)
      let query = Self.select + Self.condition(tenant, dataset.id, filter) + Self.page(order)
      let rows = try await tx.query(query + " LIMIT \(limit)")
      return (dataset, try rows.map { try Self.prediction($0) })
    }
  }

  private static func page(_ order: PredictionOrder) -> Query {
    switch order {
    case .newest(before: nil): return " ORDER BY p.id DESC"
    case .newest(before: let id?): return " AND p.id < \(id) ORDER BY p.id DESC"
    case .uncertainty(after: nil): return " ORDER BY abs(p.probability - p.threshold), p.id"
    case .uncertainty(after: let place?):
      return """
         AND (abs(p.probability - p.threshold), p.id) > (\(place.distance)::float8, \(place.id)::uuid)
        ORDER BY abs(p.probability - p.threshold), p.id
        """
    }
  }

  static func condition(_ tenant: TenantID, _ dataset: Int, _ filter: PredictionFilter) -> Query {
    var query: Query = "WHERE p.tenant_id = \(tenant) AND p.dataset_id = \(dataset)"
    if let version = filter.modelVersion { query = query + " AND p.model_version = \(version)" }
    // Ids begin with their time, and so does the index. Servers' clocks differ from the database's by some seconds, hence
    // the minute.
    if let from = filter.createdFrom {
      let first = UUID.lowest(at: from.addingTimeInterval(-60))
      query = query + " AND p.created_at >= \(from) AND p.id >= \(first)"
    }
    if let before = filter.createdBefore {
      let last = UUID.lowest(at: before.addingTimeInterval(60))
      query = query + " AND p.created_at < \(before) AND p.id < \(last)"
    }
    switch filter.labelled {
    case true: query = query + " AND l.id IS NOT NULL"
    case false: query = query + " AND l.id IS NULL"
    default: break
    }
    return query
  }

  /// One prediction.
  ///
  /// - Throws: ``DomainError/notFound(what:)``.
  package func prediction(
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

  static let select: Query = """
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
    return try prediction(
      id: id, createdAt: createdAt, version: version, label: label, probability: probability,
      threshold: threshold, numbers: numbers, categories: categories, warnings: warnings, truth: truth,
      truthAt: truthAt)
  }

  /// A prediction of the columns of ``select``.
  static func prediction(
    id: UUID, createdAt: Date, version: Int, label: Bool, probability: Double, threshold: Double,
    numbers: [Double?], categories: [String?], warnings: JSONB?, truth: Bool?, truthAt: Date?
  ) throws -> StoredPrediction {
    var known: StoredPrediction.Truth?
    if let truth, let truthAt { known = .init(label: truth, at: truthAt) }
    return StoredPrediction(
      id: id, createdAt: createdAt, modelVersion: version, label: label, probability: probability,
      threshold: threshold, row: FeatureRow(numbers: numbers, categories: categories),
      warnings: try warnings?.decode([PredictionWarning].self) ?? [], truth: known)
  }
}
